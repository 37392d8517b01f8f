/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster that stands still, dies and comes back, or fences us. It is a cluster of the test's own, since no other
 * test would like it.
 */
#include "fencing.h"
#include "own_cluster.h"
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE (MIB(5) + 4097)
#define READS 8

static const char osd[] = "osd.0", mon[] = "mon.a";

/* The disk. */

struct fixture {
    const char *image;
    unsigned char *data;
    unsigned char *read;
    struct vdisk *disk;
    struct vdisk_queue *queue;
};

static struct fixture set_up_disk(const struct vdisk_open_options *options)
{
    struct fixture fixture = {.image = new_image(), .data = pattern(SIZE, 1), .read = pattern(SIZE, 2)};

    import_image(fixture.image, fixture.data, SIZE, NULL);
    fixture.disk = open_disk_with(fixture.image, options);
    fixture.queue = new_queue(64);
    return fixture;
}

static struct fixture set_up_plain_disk(void)
{
    struct vdisk_open_options options = default_options(0);

    return set_up_disk(&options);
}

static void take_down_disk(struct fixture *fixture)
{
    reap_all(fixture->queue);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    if (fixture->disk)
        close_disk(fixture->disk);
    free(fixture->data);
    free(fixture->read);
}

static int submit_read(struct fixture *fixture, size_t offset, size_t length)
{
    struct iovec iov = {fixture->read + offset, length};

    return vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, offset, 0, NULL);
}

static int submit_write(struct fixture *fixture, size_t offset, size_t length)
{
    struct iovec iov = {fixture->data + offset, length};

    return vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, offset, 0, NULL);
}

static void submit_reads(struct fixture *fixture)
{
    const size_t piece = SIZE / READS;

    for (size_t i = 0; i < READS; i++)
        assert_int_equal(submit_read(fixture, i * piece, i < READS - 1 ? piece : SIZE - i * piece), 0);
}

/* None can complete while nobody answers: this cannot fail by being slow. */
static void assert_nothing_completes(struct vdisk_queue *queue)
{
    struct vdisk_completion completion;

    assert_int_equal(vdisk_queue_wait(queue, &completion, 1, 1, 300), 0);
}

/* Standing still. */

static void requests_wait_for_a_frozen_osd_and_complete_when_it_goes_on(void **state)
{
    struct fixture fixture = set_up_plain_disk();

    (void)state;
    freeze(osd);
    submit_reads(&fixture);
    assert_nothing_completes(fixture.queue);
    assert_int_equal(vdisk_queue_in_flight(fixture.queue), READS);
    thaw_now(osd);
    reap_all(fixture.queue);
    assert_bytes(fixture.read, fixture.data, SIZE, "read");
    take_down_disk(&fixture);
}

static void writes_and_flushes_wait_for_a_frozen_osd(void **state)
{
    struct fixture fixture = set_up_plain_disk();

    (void)state;
    fill(fixture.data + 100, MIB(1), 3);
    freeze(osd);
    assert_int_equal(submit_write(&fixture, 100, MIB(1)), 0);
    assert_int_equal(vdisk_aio_flush(fixture.queue, fixture.disk, 0, NULL), 0);
    assert_nothing_completes(fixture.queue);
    thaw_now(osd);
    reap_all(fixture.queue);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down_disk(&fixture);
}

struct background {
    pthread_t thread;
    struct vdisk *disk;
    atomic_bool done;
    int result;
};

static void *thaw_soon(void *arg)
{
    struct background *background = arg;

    usleep(200000);
    /* Before: the thawed cluster may be faster than this thread. */
    atomic_store(&background->done, true);
    background->result = status_of(ARGV(VDISK_CLUSTER_SCRIPT, "thaw", cluster_dir(), osd));
    return NULL;
}

static void draining_waits_for_a_frozen_osd(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct background thawing = {.result = -1};

    (void)state;
    freeze(osd);
    submit_reads(&fixture);
    assert_int_equal(pthread_create(&thawing.thread, NULL, thaw_soon, &thawing), 0);
    assert_int_equal(vdisk_queue_drain(fixture.queue), 0);
    assert_true(atomic_load(&thawing.done));
    assert_int_equal(pthread_join(thawing.thread, NULL), 0);
    assert_int_equal(thawing.result, 0);
    assert_int_equal(vdisk_queue_in_flight(fixture.queue), READS);
    reap_all(fixture.queue);
    assert_bytes(fixture.read, fixture.data, SIZE, "read");
    take_down_disk(&fixture);
}

static void *close_in_background(void *arg)
{
    struct background *background = arg;

    background->result = vdisk_close(background->disk, NULL);
    atomic_store(&background->done, true);
    return NULL;
}

static void start_closing(struct background *closing, struct fixture *fixture)
{
    *closing = (struct background){.disk = fixture->disk};
    forget(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(pthread_create(&closing->thread, NULL, close_in_background, closing), 0);
}

/* Nothing is sent for a request of no bytes, so only the closing can end these. */
static bool is_closing(void *arg)
{
    const struct background *closing = arg;
    struct vdisk_error err;
    char byte;
    int r = vdisk_pread(closing->disk, &byte, 0, 0, 0, &err);

    if (r == -ESHUTDOWN)
        assert_failed(r, -ESHUTDOWN, &err, FRAGMENTS("clos"));
    else
        assert_done(r, &err);
    return r == -ESHUTDOWN;
}

static void closing_waits_for_a_frozen_osd_and_refuses_new_requests(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk *disk = fixture.disk;
    struct background closing;
    struct iovec iov = {fixture.data, 1};

    (void)state;
    freeze(osd);
    submit_reads(&fixture);
    start_closing(&closing, &fixture);
    wait_until(is_closing, &closing, "the closing disk refuses requests");
    assert_int_equal(vdisk_aio_writev(fixture.queue, disk, &iov, 1, 0, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_aio_flush(fixture.queue, disk, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_resize(disk, SIZE + 1, 0, NULL), -ESHUTDOWN);
    assert_nothing_completes(fixture.queue);
    assert_false(atomic_load(&closing.done));
    thaw_now(osd);
    assert_int_equal(pthread_join(closing.thread, NULL), 0);
    assert_int_equal(closing.result, 0);
    reap_all(fixture.queue);
    assert_bytes(fixture.read, fixture.data, SIZE, "read");
    take_down_disk(&fixture);
}

/* The library's own thread asks for the size all the time, and is stuck with it. */
static void closing_a_read_only_disk_survives_a_size_poll_that_is_stuck(void **state)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);
    struct fixture fixture;
    struct background closing;

    (void)state;
    options.size_poll_ms = 1;
    fixture = set_up_disk(&options);
    freeze(osd);
    submit_reads(&fixture);
    assert_nothing_completes(fixture.queue);
    start_closing(&closing, &fixture);
    wait_until(is_closing, &closing, "the closing disk refuses requests");
    thaw_now(osd);
    assert_int_equal(pthread_join(closing.thread, NULL), 0);
    assert_int_equal(closing.result, 0);
    reap_all(fixture.queue);
    assert_bytes(fixture.read, fixture.data, SIZE, "read");
    take_down_disk(&fixture);
}

static void with_a_time_limit_a_read_fails_and_leaves_its_buffer_alone(void **state)
{
    /* Without a watch, which would time out too: librbd 16.2.15 can then leave requests waiting for ever. */
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);
    struct vdisk_option limit = {"rados_osd_op_timeout", "5"};
    unsigned char *before = pattern(SIZE, 2), byte;
    struct fixture fixture;
    struct vdisk_error err;

    (void)state;
    options.options = &limit;
    options.option_count = 1;
    fixture = set_up_disk(&options);
    freeze(osd);
    assert_int_equal(submit_read(&fixture, 0, SIZE), 0);
    assert_failed(vdisk_pread(fixture.disk, &byte, 1, 0, 0, &err), -ETIMEDOUT, &err,
                  FRAGMENTS(base_name(fixture.image)));
    assert_int_equal(wait_one(fixture.queue).result, -ETIMEDOUT);
    assert_bytes(fixture.read, before, SIZE, "the buffer of the failed read");
    thaw_now(osd);
    /* It is the same disk that goes on, however long a busy machine takes for the OSD to be in service again. */
    while (vdisk_pread(fixture.disk, &byte, 1, 0, 0, &err) == -ETIMEDOUT)
        continue;
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    take_down_disk(&fixture);
    free(before);
}

/* With Ceph's default cache policy the write would be called complete, and the flush after it successful. */
static void a_write_that_nobody_takes_is_not_called_complete(void **state)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_option limit = {"rados_osd_op_timeout", "5"};
    struct fixture fixture;
    struct vdisk_error err;

    (void)state;
    options.options = &limit;
    options.option_count = 1;
    fixture = set_up_disk(&options);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    freeze(osd);
    fill(fixture.data, 4096, 2);
    assert_failed(vdisk_pwrite(fixture.disk, fixture.data, 4096, 0, 0, &err), -ETIMEDOUT, &err,
                  FRAGMENTS(base_name(fixture.image)));
    thaw_now(osd);
    /* Nothing tells whether it has landed by now, or ever will, but that its client cannot write any more. */
    assert_failed(vdisk_reopen(fixture.disk, 0, &err), -EBUSY, &err, FRAGMENTS("VDISK_REOPEN_FENCE"));
    assert_done(vdisk_reopen(fixture.disk, VDISK_REOPEN_FENCE, &err), &err);
    assert_failed(vdisk_flush(fixture.disk, &err), -EIO, &err, FRAGMENTS(base_name(fixture.image)));
    assert_done(vdisk_acknowledge_loss(fixture.disk, &err), &err);
    fill(fixture.data, 4096, 3);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, 4096, 0, 0, &err), &err);
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down_disk(&fixture);
}

static void without_a_monitor_an_open_disk_goes_on_and_a_new_one_times_out(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_open_options options = default_options(0);
    struct vdisk_option limit = {"client_mount_timeout", "1"};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    options.options = &limit;
    options.option_count = 1;
    freeze(mon);
    fill(fixture.data, SIZE, 4);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    assert_failed(vdisk_open_uri(&disk, text("rbd:%s", fixture.image), &options, &err), -ETIMEDOUT, &err,
                  FRAGMENTS("onitor", "client_mount_timeout"));
    thaw_now(mon);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down_disk(&fixture);
}

/* Dying. */

static void requests_survive_the_kill_and_restart_of_an_osd(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_error err;

    (void)state;
    fill(fixture.data, SIZE, 5);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    CLUSTER("kill", cluster_dir(), osd);
    submit_reads(&fixture);
    assert_nothing_completes(fixture.queue);
    CLUSTER("restart", cluster_dir(), osd);
    reap_all(fixture.queue);
    assert_bytes(fixture.read, fixture.data, SIZE, "read");
    fill(fixture.data, SIZE, 6);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down_disk(&fixture);
}

/* Being fenced. */

static bool is_fenced(void *arg)
{
    struct fixture *fixture = arg;
    struct vdisk_error err;
    int r = vdisk_pwrite(fixture->disk, fixture->data, 1, 0, 0, &err);

    if (r == 0)
        return false;
    assert_failed(r, -ESHUTDOWN, &err, FRAGMENTS(base_name(fixture->image)));
    return true;
}

static void a_fenced_disk_fails_every_request(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    fence(fixture.image);
    wait_until(is_fenced, &fixture, "the disk is fenced");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(submit_write(&fixture, 0, 4096), -ESHUTDOWN);
        assert_int_equal(submit_read(&fixture, 0, 4096), -ESHUTDOWN);
    }
    assert_int_equal(vdisk_resize(fixture.disk, SIZE + 1, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(fixture.disk, "snap", 0, NULL), -ESHUTDOWN);
    forget(fixture.disk);
    vdisk_close(fixture.disk, NULL);
    fixture.disk = NULL;
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down_disk(&fixture);
}

/* Writes that were accepted and then lost must not pass for good at any later flush, nor at close. */
static void writes_lost_by_fencing_fail_every_later_flush_and_the_close(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_error err;
    int r;

    (void)state;
    assert_done(vdisk_flush(fixture.disk, &err), &err);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    fence(fixture.image);
    wait_until(is_fenced, &fixture, "the disk is fenced");
    r = vdisk_flush(fixture.disk, &err);
    assert_true(r < 0);
    assert_failed(r, r, &err, FRAGMENTS(base_name(fixture.image)));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vdisk_flush(fixture.disk, NULL), r);
        assert_int_equal(vdisk_aio_flush(fixture.queue, fixture.disk, 0, NULL), r);
    }
    forget(fixture.disk);
    assert_failed(vdisk_close(fixture.disk, &err), r, &err, FRAGMENTS(base_name(fixture.image)));
    fixture.disk = NULL;
    take_down_disk(&fixture);
}

/* Closing must flush by itself, because librbd's own closing keeps the error to itself. */
static void writes_lost_by_fencing_fail_a_close_without_any_flush(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_error err;
    int r;

    (void)state;
    close_disk(fixture.disk);
    fixture.disk = open_write_back(fixture.image);
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    fence(fixture.image);
    forget(fixture.disk);
    r = vdisk_close(fixture.disk, &err);
    assert_true(r < 0);
    assert_failed(r, r, &err, FRAGMENTS(base_name(fixture.image)));
    fixture.disk = NULL;
    take_down_disk(&fixture);
}

static void acknowledging_a_loss_lets_the_close_of_a_fenced_disk_flush_anew(void **state)
{
    struct fixture fixture = set_up_plain_disk();
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_pwrite(fixture.disk, fixture.data, SIZE, 0, 0, &err), &err);
    fence(fixture.image);
    wait_until(is_fenced, &fixture, "the disk is fenced");
    assert_true(vdisk_flush(fixture.disk, &err) < 0);
    assert_done(vdisk_acknowledge_loss(fixture.disk, &err), &err);
    /* The disk is still fenced, so what is written since, or was not yet flushed, is lost as well. */
    assert_true(vdisk_flush(fixture.disk, &err) < 0);
    forget(fixture.disk);
    assert_true(vdisk_close(fixture.disk, &err) < 0);
    fixture.disk = NULL;
    take_down_disk(&fixture);
}

static void after_fencing_a_new_open_works(void **state)
{
    struct fixture fixture = set_up_plain_disk();

    (void)state;
    fence(fixture.image);
    wait_until(is_fenced, &fixture, "the disk is fenced");
    forget(fixture.disk);
    vdisk_close(fixture.disk, NULL);
    fixture.disk = open_disk(fixture.image, 0);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    take_down_disk(&fixture);
}

/* Losing the ground. */

static void deleting_the_pool_of_an_open_disk_leaves_no_request_behind(void **state)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_queue *queue = new_queue(64);
    unsigned char *data = pattern(SIZE, 8);
    struct iovec iov = {data, MIB(1)};
    struct vdisk *disk;

    (void)state;
    CEPH("osd", "pool", "create", "doomed", "1");
    RBD("pool", "init", "doomed");
    create_image("doomed/image", SIZE, 0);
    disk = open_disk_with("doomed/image", &options);
    CEPH("osd", "pool", "delete", "doomed", "doomed", "--yes-i-really-really-mean-it");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(vdisk_aio_readv(queue, disk, &iov, 1, 0, 0, NULL), 0);
        assert_int_equal(vdisk_aio_writev(queue, disk, &iov, 1, 0, 0, NULL), 0);
    }
    while (vdisk_queue_in_flight(queue) > 0)
        wait_one(queue);
    forget(disk);
    vdisk_close(disk, NULL);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_wait_for_a_frozen_osd_and_complete_when_it_goes_on),
        TEST(writes_and_flushes_wait_for_a_frozen_osd),
        TEST(draining_waits_for_a_frozen_osd),
        TEST(closing_waits_for_a_frozen_osd_and_refuses_new_requests),
        TEST(closing_a_read_only_disk_survives_a_size_poll_that_is_stuck),
        TEST(with_a_time_limit_a_read_fails_and_leaves_its_buffer_alone),
        TEST(a_write_that_nobody_takes_is_not_called_complete),
        TEST(without_a_monitor_an_open_disk_goes_on_and_a_new_one_times_out),
        TEST(requests_survive_the_kill_and_restart_of_an_osd),
        TEST(a_fenced_disk_fails_every_request),
        TEST(writes_lost_by_fencing_fail_every_later_flush_and_the_close),
        TEST(writes_lost_by_fencing_fail_a_close_without_any_flush),
        TEST(acknowledging_a_loss_lets_the_close_of_a_fenced_disk_flush_anew),
        TEST(after_fencing_a_new_open_works),
        TEST(deleting_the_pool_of_an_open_disk_leaves_no_request_behind),
    };

    return cmocka_run_group_tests(tests, start_own_cluster, stop_own_cluster);
}
