/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving up on a cluster that stands still: what was given up lands late, and before whatever replaces it. Nothing here
 * looks at the clock: while the OSD is frozen nothing can complete, and a limit that is short enough for the tests can
 * only be overrun, which they take for what it is.
 */
#include "own_cluster.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SIZE (MIB(5) + 4096)
#define SECTOR 512
/* The limit of requests, where there is one. */
#define LIMIT_MS 1000

static const char osd[] = "osd.0";

struct fixture {
    const char *image;
    /* What the image is to hold. */
    unsigned char *data;
    struct vdisk *disk;
    struct vdisk_queue *queue;
};

/* The disk has the exclusive lock, so that nothing but its requests is to be done. */
static struct fixture set_up_disk(const struct vdisk_open_options *options)
{
    struct fixture fixture = {.image = new_image(), .data = pattern(SIZE, 1)};
    struct vdisk_error err;
    int r;

    import_image(fixture.image, fixture.data, SIZE, NULL);
    fixture.disk = open_disk_with(fixture.image, options);
    fixture.queue = new_queue(64);
    /* With a limit of ours it can take more than one attempt. */
    do
        r = vdisk_pwrite(fixture.disk, fixture.data, SECTOR, 0, 0, &err);
    while (r == -ETIMEDOUT && options->io_timeout_ms > 0);
    assert_done(r, &err);
    return fixture;
}

static struct fixture set_up_plain(void)
{
    struct vdisk_open_options options = default_options(0);

    return set_up_disk(&options);
}

static struct fixture set_up_limited(void)
{
    struct vdisk_open_options options = default_options(0);

    options.io_timeout_ms = LIMIT_MS;
    return set_up_disk(&options);
}

static void take_down(struct fixture *fixture)
{
    if (fixture->disk)
        close_disk(fixture->disk);
    if (fixture->queue)
        assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    free(fixture->data);
}

static int submit_write(const struct fixture *fixture, const void *data, size_t length, size_t offset)
{
    struct iovec iov = {(void *)(uintptr_t)data, length};

    return vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, offset, 0, NULL);
}

static void cancel(const struct fixture *fixture)
{
    assert_int_equal(vdisk_queue_cancel(fixture->queue, NULL), 1);
    assert_int_equal(wait_one(fixture->queue).result, -ECANCELED);
}

/* Writes `data`, while the OSD is frozen, and gives up. */
static void write_in_vain(const struct fixture *fixture, const void *data, size_t length, size_t offset)
{
    assert_int_equal(submit_write(fixture, data, length, offset), 0);
    cancel(fixture);
}

static void assert_nothing_completes(struct vdisk_queue *queue)
{
    struct vdisk_completion completion;

    assert_int_equal(vdisk_queue_wait(queue, &completion, 1, 1, 300), 0);
}

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    return info;
}

static bool nothing_is_left(void *disk)
{
    struct vdisk_info info = info_of(disk);

    return info.detached_requests == 0 && info.indeterminate_writes == 0;
}

static bool nobody_watches(void *image)
{
    char *status = RBD_OUTPUT("status", image, "--format", "json");
    bool watched = strstr(status, "address");

    free(status);
    return !watched;
}

/* Requests. */

static void a_reader_gets_its_timeout_and_its_buffer_back(void **state)
{
    struct fixture fixture = set_up_limited();
    struct pollfd fd = {.fd = vdisk_queue_get_fd(fixture.queue), .events = POLLIN};
    unsigned char *buffer = pattern(SIZE, 2), *before = pattern(SIZE, 2);
    struct iovec iov = {buffer, SIZE};
    struct vdisk_completion done;
    struct vdisk_error err;

    (void)state;
    freeze(osd);
    assert_int_equal(vdisk_aio_readv(fixture.queue, fixture.disk, &iov, 1, 0, 0, buffer), 0);
    assert_failed(vdisk_pread(fixture.disk, buffer, SIZE, 0, 0, &err), -ETIMEDOUT, &err,
                  FRAGMENTS(base_name(fixture.image)));
    /* As an event loop does. */
    do
        assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    while (vdisk_queue_reap(fixture.queue, &done, 1) == 0);
    assert_ptr_equal(done.user_data, buffer);
    assert_int_equal(done.result, -ETIMEDOUT);
    assert_true(info_of(fixture.disk).detached_requests >= 2);
    assert_int_equal(info_of(fixture.disk).indeterminate_writes, 0);
    thaw_now(osd);
    wait_until(nothing_is_left, fixture.disk, "the reads are over");
    assert_bytes(buffer, before, SIZE, "the buffer of the reads that timed out");
    while (vdisk_pread(fixture.disk, buffer, SIZE, 0, 0, &err) == -ETIMEDOUT)
        continue;
    assert_bytes(buffer, fixture.data, SIZE, "read afterwards");
    free(before);
    free(buffer);
    take_down(&fixture);
}

static void a_late_write_lands_before_its_retry(void **state)
{
    struct fixture fixture = set_up_plain();
    unsigned char *late = pattern(SECTOR, 3);

    (void)state;
    freeze(osd);
    write_in_vain(&fixture, late, SECTOR, 0);
    fill(fixture.data, SECTOR, 4);
    /* It succeeds only where the late write has landed. */
    assert_int_equal(vdisk_aio_compare_and_write(fixture.queue, fixture.disk, late, fixture.data, SECTOR, 0, 0, NULL),
                     0);
    assert_int_equal(info_of(fixture.disk).detached_requests, 1);
    assert_int_equal(info_of(fixture.disk).indeterminate_writes, 1);
    assert_nothing_completes(fixture.queue);
    thaw_now(osd);
    assert_int_equal(wait_one(fixture.queue).result, 0);
    assert_true(nothing_is_left(fixture.disk));
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    assert_qemu_converts(fixture.image, fixture.data, SIZE);
    free(late);
    take_down(&fixture);
}

/* Each attempt that times out is one more to be waited for. */
static void the_final_bytes_are_those_of_the_retry_that_succeeds(void **state)
{
    struct fixture fixture = set_up_limited();
    struct vdisk_error err;
    uint64_t attempt = 10;
    int r;

    (void)state;
    freeze(osd);
    do {
        fill(fixture.data + 100, MIB(1), ++attempt);
        r = vdisk_pwrite(fixture.disk, fixture.data + 100, MIB(1), 100, 0, &err);
        assert_true(r == 0 || r == -ETIMEDOUT);
        if (attempt == 12)
            thaw_now(osd);
    } while (r < 0);
    assert_true(attempt > 12);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    wait_until(nothing_is_left, fixture.disk, "what was given up has landed");
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down(&fixture);
}

static void a_late_write_writes_what_it_was_given(void **state)
{
    struct fixture fixture = set_up_plain();
    unsigned char *late = pattern(MIB(1), 5);

    (void)state;
    memcpy(fixture.data + 4097, late, MIB(1));
    freeze(osd);
    write_in_vain(&fixture, late, MIB(1), 4097);
    memset(late, 0xee, MIB(1));
    free(late);
    thaw_now(osd);
    wait_until(nothing_is_left, fixture.disk, "the write has landed");
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down(&fixture);
}

static void a_flush_covers_the_retry_that_waits(void **state)
{
    struct fixture fixture = set_up_plain();
    unsigned char *late = pattern(SECTOR, 6);

    (void)state;
    freeze(osd);
    write_in_vain(&fixture, late, SECTOR, 0);
    fill(fixture.data, KIB(64), 7);
    assert_int_equal(submit_write(&fixture, fixture.data, KIB(64), 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture.queue, fixture.disk, 0, &fixture), 0);
    assert_nothing_completes(fixture.queue);
    thaw_now(osd);
    assert_ptr_equal(wait_one(fixture.queue).user_data, NULL);
    assert_int_equal(wait_one(fixture.queue).result, 0);
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    free(late);
    take_down(&fixture);
}

/* Closing. */

static void closing_in_time_gives_up_and_goes_on_without_the_caller(void **state)
{
    struct fixture fixture = set_up_plain();
    struct vdisk *disk = fixture.disk;
    struct vdisk_error err;

    (void)state;
    freeze(osd);
    fill(fixture.data, MIB(2), 8);
    write_in_vain(&fixture, fixture.data, MIB(1), 0);
    assert_int_equal(submit_write(&fixture, fixture.data + MIB(1), MIB(1), MIB(1)), 0);
    forget(disk);
    fixture.disk = NULL;
    assert_failed(vdisk_close_within(disk, 100, &err), -ETIMEDOUT, &err, FRAGMENTS("longer"));
    assert_nothing_completes(fixture.queue);
    thaw_now(osd);
    assert_int_equal(wait_one(fixture.queue).result, 0);
    wait_until(nobody_watches, (void *)(uintptr_t)fixture.image, "the image is closed");
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down(&fixture);
}

static void closing_on_a_queue_gives_up_too(void **state)
{
    struct fixture fixture = set_up_plain();
    struct vdisk *disk = fixture.disk;
    struct vdisk_completion done;
    struct vdisk_error err;

    (void)state;
    freeze(osd);
    fill(fixture.data, MIB(1), 9);
    write_in_vain(&fixture, fixture.data, MIB(1), 0);
    forget(disk);
    fixture.disk = NULL;
    assert_done(vdisk_aio_close(fixture.queue, disk, 100, 0, disk, &err), &err);
    done = wait_one(fixture.queue);
    assert_ptr_equal(done.user_data, disk);
    assert_failed(vdisk_queue_error(fixture.queue, &done, &err), -ETIMEDOUT, &err, FRAGMENTS("longer"));
    assert_int_equal(vdisk_queue_destroy(fixture.queue), 0);
    fixture.queue = NULL;
    thaw_now(osd);
    wait_until(nobody_watches, (void *)(uintptr_t)fixture.image, "the image is closed");
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down(&fixture);
}

static void closing_in_time_says_that_nothing_can_land(void **state)
{
    struct fixture fixture = set_up_plain();
    struct vdisk *disk = fixture.disk;
    struct vdisk_error err;

    (void)state;
    freeze(osd);
    fill(fixture.data, MIB(1), 10);
    write_in_vain(&fixture, fixture.data, MIB(1), 0);
    thaw_now(osd);
    forget(disk);
    fixture.disk = NULL;
    assert_done(vdisk_close_within(disk, PATIENCE_MS, &err), &err);
    assert_true(nobody_watches((void *)(uintptr_t)fixture.image));
    assert_rbd_exports(fixture.image, fixture.data, SIZE);
    take_down(&fixture);
}

/* What Ceph gives up by itself. */

static void a_write_that_ceph_gives_up_stays_unsettled(void **state)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_option limit = {"rados_osd_op_timeout", "5"};
    struct fixture fixture;
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    options.options = &limit;
    options.option_count = 1;
    fixture = set_up_disk(&options);
    disk = fixture.disk;
    freeze(osd);
    assert_int_equal(submit_write(&fixture, fixture.data, SECTOR, 0), 0);
    assert_int_equal(wait_one(fixture.queue).result, -ETIMEDOUT);
    assert_int_equal(info_of(disk).detached_requests, 0);
    assert_int_equal(info_of(disk).indeterminate_writes, 1);
    thaw_now(osd);
    /* Whether it has landed by now or not: nobody can tell. */
    assert_int_equal(submit_write(&fixture, fixture.data, SECTOR, 0), 0);
    assert_nothing_completes(fixture.queue);
    /* It waits for the write, and would be free to go once that is given up. */
    assert_int_equal(vdisk_aio_flush(fixture.queue, disk, 0, &fixture), 0);
    assert_int_equal(vdisk_queue_cancel(fixture.queue, &fixture), 1);
    assert_int_equal(wait_one(fixture.queue).result, -ECANCELED);
    cancel(&fixture);
    forget(disk);
    fixture.disk = NULL;
    assert_failed(vdisk_close_within(disk, PATIENCE_MS, &err), -ETIMEDOUT, &err, FRAGMENTS(base_name(fixture.image)));
    take_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reader_gets_its_timeout_and_its_buffer_back),
        TEST(a_late_write_lands_before_its_retry),
        TEST(the_final_bytes_are_those_of_the_retry_that_succeeds),
        TEST(a_late_write_writes_what_it_was_given),
        TEST(a_flush_covers_the_retry_that_waits),
        TEST(closing_in_time_gives_up_and_goes_on_without_the_caller),
        TEST(closing_on_a_queue_gives_up_too),
        TEST(closing_in_time_says_that_nothing_can_land),
        TEST(a_write_that_ceph_gives_up_stays_unsettled),
    };

    return cmocka_run_group_tests(tests, start_own_cluster, stop_own_cluster);
}
