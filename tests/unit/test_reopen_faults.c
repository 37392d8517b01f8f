/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reopening a disk when things go wrong: each call that it makes fails in turn, writes are unsettled, or others use the
 * disk meanwhile.
 */
#include "cancel_helpers.h"

#include "disk/disk.h"
#include "sweep_helpers.h"

static void fence(struct vdisk *disk)
{
    char byte;

    fake_blocklist();
    assert_int_equal(vdisk_pread(disk, &byte, 1, 8192, 0, NULL), -ESHUTDOWN);
}

static void reopen_with(struct vdisk *disk, uint32_t flags)
{
    struct vdisk_error err;

    if (vdisk_reopen(disk, flags, &err) < 0)
        fail_msg("%s", err.message);
}

static void assert_works(struct vdisk *disk)
{
    char read[4];

    assert_int_equal(vdisk_pwrite(disk, "abc", 4, 4096, 0, NULL), 0);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    assert_int_equal(vdisk_pread(disk, read, 4, 4096, 0, NULL), 0);
    assert_string_equal(read, "abc");
}

/* Every call in turn. */

struct attempt {
    bool fenced;
    struct vdisk *disk;
    int result;
};

static void open_and_write(void *context)
{
    struct attempt *attempt = context;

    attempt->disk = open_disk(IMAGE_URI, 0);
    assert_int_equal(vdisk_pwrite(attempt->disk, "x", 1, 0, 0, NULL), 0);
    if (attempt->fenced)
        fence(attempt->disk);
}

static void try_to_reopen(struct outcome *outcome, void *context)
{
    struct attempt *attempt = context;
    struct vdisk_error err;

    attempt->result = vdisk_reopen(attempt->disk, 0, &err);
    note(outcome, attempt->result, &err);
}

/* Whatever has failed, the next attempt succeeds, and the disk is as good as new. */
static void reopen_and_close(void *context)
{
    const struct attempt *attempt = context;
    struct vdisk *disk = attempt->disk;
    int lost;

    if (attempt->result < 0)
        reopen_with(disk, 0);
    /* The worker may have met the failure, too, after the call. */
    vd_background_flush(&disk->background);
    if (vd_disk_is_fenced(disk))
        reopen_with(disk, 0);
    lost = vdisk_flush(disk, NULL);
    assert_true(lost == -EIO || (!attempt->fenced && lost == 0));
    assert_int_equal(vdisk_acknowledge_loss(disk, NULL), 0);
    assert_works(disk);
    close_disk(disk);
}

static struct attempt on_fenced = {.fenced = true}, on_sound;
static const struct scenario fenced = {open_and_write, try_to_reopen, reopen_and_close, &on_fenced};
static const struct scenario not_fenced = {open_and_write, try_to_reopen, reopen_and_close, &on_sound};

static const struct harmless harmless[] = {
    /* The library reads defaults and the keyring with it, and goes on without them. */
    {"rados_conf_get", 0},
    /* Closing the old image goes on without them; its data was flushed before. */
    {"rbd_update_unwatch", 0},
    {"rbd_close", 0},
    /* The next flush reports the error. */
    {"rbd_flush", 0},
    /* The worker asks once more afterwards. */
    {"rbd_get_size", 0},
    {NULL, 0},
};

static void every_call_for_a_fenced_disk_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_calls(&fenced, FAKE_AT_SUBMISSION, EIO, harmless) >= 15);
}

static void every_call_for_a_disk_that_is_not_fenced_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_calls(&not_fenced, FAKE_AT_SUBMISSION, EIO, harmless) >= 15);
}

static void the_new_client_may_be_fenced_at_any_time(void **state)
{
    (void)state;
    assert_true(sweep_calls(&fenced, FAKE_AT_SUBMISSION, ESHUTDOWN, harmless) >= 15);
    assert_true(sweep_calls(&not_fenced, FAKE_AT_SUBMISSION, ESHUTDOWN, harmless) >= 15);
}

static void every_allocation_may_fail(void **state)
{
    static const struct harmless none[] = {{NULL, 0}};

    (void)state;
    assert_true(sweep_allocations(&fenced, none) >= 3);
}

/* Unsettled writes. */

/* Writes one byte, the first of the image. */
static int write_byte(const struct fixture *fixture, void *tag, const char *byte)
{
    return write_as(tag, fixture->queue, fixture->disk, byte, 1, 0, 0);
}

static void assert_refused_as_unsettled(struct vdisk *disk)
{
    struct vdisk_error err;

    assert_int_equal(vdisk_reopen(disk, 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "indeterminate writes may still reach it (1 of them)");
    assert_says(&err, -EBUSY, "VDISK_REOPEN_FENCE");
    assert_int_equal(vdisk_pread(disk, NULL, 0, 0, 0, NULL), 0);
}

static char first_byte(void)
{
    char byte;

    fake_image_read("p", "", "i", NULL, 0, &byte, 1);
    return byte;
}

static int fence_and_reopen(void *disk)
{
    return vdisk_reopen(disk, VDISK_REOPEN_FENCE, NULL);
}

/* The retry that was held behind it must not go either: its caller learns that it did not. */
static void a_write_that_was_cancelled_is_fenced_on_request(void **state)
{
    static struct background reopening;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_byte(fixture, &a, "x"), 0);
    cancel(fixture->queue, &a);
    assert_int_equal(write_byte(fixture, &b, "y"), 0);
    assert_refused_as_unsettled(fixture->disk);
    start_background(&reopening, fence_and_reopen, fixture->disk);
    wait_until(vd_disk_is_fenced(fixture->disk));
    fake_release_all();
    assert_int_equal(end_background(&reopening), 0);
    expect(fixture->queue, &b, -ESHUTDOWN);
    assert_int_equal(info_of(fixture->disk).indeterminate_writes, 0);
    assert_int_equal(first_byte(), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

/* rados_osd_op_timeout: librbd will not tell any more. */
static void a_write_that_ceph_gave_up_is_fenced_on_request(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_byte(fixture, &a, "x"), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
    assert_int_equal(write_byte(fixture, &b, "y"), 0);
    assert_int_equal(info_of(fixture->disk).indeterminate_writes, 1);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EBUSY);
    reopen_with(fixture->disk, VDISK_REOPEN_FENCE);
    expect(fixture->queue, &b, -ESHUTDOWN);
    assert_int_equal(info_of(fixture->disk).indeterminate_writes, 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

/* What only fencing settles is settled when somebody else does it. */
static void fencing_settles_what_ceph_gave_up(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_byte(fixture, &a, "x"), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
    assert_int_equal(write_byte(fixture, &b, "y"), 0);
    fence(fixture->disk);
    expect(fixture->queue, &b, -ESHUTDOWN);
    reopen_with(fixture->disk, 0);
    assert_int_equal(info_of(fixture->disk).indeterminate_writes, 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

/* Given up after the reopening had begun: nothing says yet that it will not complete. */
static int reopen_it(void *disk)
{
    return vdisk_reopen(disk, 0, NULL);
}

static void a_write_that_ceph_gives_up_meanwhile_stops_the_reopening(void **state)
{
    static struct background reopening;
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_byte(fixture, &a, "x"), 0);
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    start_background(&reopening, reopen_it, fixture->disk);
    wait_until(vd_disk_refuses_all(fixture->disk));
    allow_time_for(is_over(&reopening));
    assert_false(is_over(&reopening));
    fake_release_all();
    assert_int_equal(end_background(&reopening), -EBUSY);
    expect(fixture->queue, &a, -ETIMEDOUT);
    assert_int_equal(vdisk_pread(fixture->disk, NULL, 0, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "vdisk_reopen tries again");
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EBUSY);
    reopen_with(fixture->disk, VDISK_REOPEN_FENCE);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void a_user_who_may_not_fence_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_fail_call("rados_blocklist_add", 1, EACCES);
    assert_int_equal(vdisk_reopen(fixture->disk, VDISK_REOPEN_FENCE, &err), -EACCES);
    assert_says(&err, -EACCES, "\"profile rbd\"");
    fake_fail_call("rados_blocklist_add", 1, EIO);
    assert_int_equal(vdisk_reopen(fixture->disk, VDISK_REOPEN_FENCE, &err), -EIO);
    assert_says(&err, -EIO, "fencing its old client failed: ");
    assert_works(fixture->disk);
}

static void fencing_on_request_loses_what_was_not_flushed(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    reopen_with(fixture->disk, VDISK_REOPEN_FENCE);
    assert_int_equal(fake_calls("rados_blocklist_add"), 1);
    /* With the map that has it, not the one before. */
    assert_int_equal(fake_calls("rados_wait_for_latest_osdmap"), 2);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void what_is_fenced_is_not_fenced_again(void **state)
{
    const struct fixture *fixture = *state;

    fence(fixture->disk);
    reopen_with(fixture->disk, VDISK_REOPEN_FENCE);
    assert_int_equal(fake_calls("rados_blocklist_add"), 0);
}

/* On a queue, and beside others. */

static void a_queue_reopens_without_blocking(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    fence(fixture->disk);
    fake_block_call("rados_connect");
    assert_int_equal(vdisk_aio_reopen(fixture->queue, fixture->disk, 0, &a, &err), 0);
    assert_true(fake_wait_blocked("rados_connect"));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EALREADY);
    assert_says(&err, -EALREADY, "being reopened by another call");
    fake_unblock_call("rados_connect");
    expect(fixture->queue, &a, 0);
    assert_works(fixture->disk);

    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    assert_int_equal(vdisk_aio_reopen(fixture->queue, fixture->disk, 0, &a, &err), 0);
    done = next_of(fixture->queue);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "No monitor of the cluster answered in time");
}

static void who_comes_meanwhile_is_refused(void **state)
{
    static struct background reopening;
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte;

    fake_block_call("rbd_update_watch");
    start_background(&reopening, fence_and_reopen, fixture->disk);
    assert_true(fake_wait_blocked("rbd_update_watch"));
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "is being reopened");
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "is being reopened");
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &a, &err), 0);
    fake_unblock_call("rbd_update_watch");
    assert_int_equal(end_background(&reopening), 0);
    assert_works(fixture->disk);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 1);
    while (next_of(fixture->queue).flags & VDISK_COMPLETION_MORE)
        continue;
}

/* Otherwise the thread that could unplug it would wait for that for ever. */
static void a_plugged_queue_stops_the_reopening(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
    assert_int_equal(write_byte(fixture, &a, "x"), 0);
    fence(fixture->disk);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "A queue is plugged with requests to the disk: unplug it first");
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
    expect(fixture->queue, &a, -ESHUTDOWN);
    reopen_with(fixture->disk, 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void closing_waits_for_the_reopening(void **state)
{
    static struct background reopening;
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_block_call("rados_connect");
    start_background(&reopening, fence_and_reopen, fixture->disk);
    assert_true(fake_wait_blocked("rados_connect"));
    start_closing(&closing, fixture->disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_unblock_call("rados_connect");
    assert_int_equal(end_background(&reopening), 0);
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
}

static void what_is_not_valid_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_reopen(NULL, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The disk is NULL");
    assert_int_equal(vdisk_reopen(fixture->disk, 2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "0x2");
    assert_int_equal(vdisk_aio_reopen(NULL, fixture->disk, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The queue is NULL");
    assert_int_equal(vdisk_aio_reopen(fixture->queue, fixture->disk, 2, NULL, &err), -EINVAL);
    assert_int_equal(fake_calls("rados_create"), 1);
}

/* For the sanitizers: writers, readers and a watcher go on while the disk is fenced and reopened. */

static atomic_bool enough;

static int use_disk(void *disk)
{
    struct vdisk_queue *queue;
    char byte = 'x';

    if (vdisk_queue_create(&queue, NULL, NULL) < 0)
        return -1;
    while (!atomic_load(&enough)) {
        struct vdisk_completion done[8];

        for (uint64_t i = 0; i < 4; i++) {
            submit_write(queue, disk, &byte, 1, i * 512);
            submit_read(queue, disk, &byte, 1, i * 512);
        }
        submit_flush(queue, disk);
        vdisk_pread(disk, &byte, 1, 0, 0, NULL);
        vdisk_get_size(disk);
        while (vdisk_queue_in_flight(queue) > 0)
            vdisk_queue_wait(queue, done, 1, 8, -1);
    }
    return vdisk_queue_destroy(queue);
}

static void others_use_the_disk_meanwhile(void **state)
{
    static struct background users[3];
    const struct fixture *fixture = *state;

    atomic_store(&enough, false);
    for (int i = 0; i < 3; i++)
        start_background(&users[i], use_disk, fixture->disk);
    for (int i = 0; i < 40; i++) {
        if (i % 2)
            fake_blocklist();
        fake_resize_image("p", "", "i", IMAGE_SIZE + (uint64_t)i, true);
        reopen_with(fixture->disk, i % 4 == 0 ? VDISK_REOPEN_FENCE : 0);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(end_background(&users[i]), 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_for_a_fenced_disk_may_fail),
        cmocka_unit_test(every_call_for_a_disk_that_is_not_fenced_may_fail),
        cmocka_unit_test(the_new_client_may_be_fenced_at_any_time),
        cmocka_unit_test(every_allocation_may_fail),
        DISK_TEST(a_write_that_was_cancelled_is_fenced_on_request),
        DISK_TEST(a_write_that_ceph_gave_up_is_fenced_on_request),
        DISK_TEST(fencing_settles_what_ceph_gave_up),
        DISK_TEST(a_write_that_ceph_gives_up_meanwhile_stops_the_reopening),
        DISK_TEST(a_user_who_may_not_fence_is_told),
        DISK_TEST(fencing_on_request_loses_what_was_not_flushed),
        DISK_TEST(what_is_fenced_is_not_fenced_again),
        DISK_TEST(a_queue_reopens_without_blocking),
        DISK_TEST(who_comes_meanwhile_is_refused),
        DISK_TEST(a_plugged_queue_stops_the_reopening),
        DISK_TEST(closing_waits_for_the_reopening),
        DISK_TEST(what_is_not_valid_is_refused),
        DISK_TEST(others_use_the_disk_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
