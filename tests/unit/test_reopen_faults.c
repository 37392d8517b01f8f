/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reopening a disk when things go wrong: each call that it makes fails in turn; writes are unsettled; others use the
 * disk meanwhile.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "disk/disk.h"
#include "fake.h"
#include "wrap.h"

static char tag, other_tag;

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

/* Failures that do not matter, or are told in another way. */
static bool may_be_swallowed(const char *function)
{
    static const char *const harmless[] = {
        /* Looked at for defaults and for a keyring; not found is as good as empty. */
        "rados_conf_get",
        /* Closing the old image goes on; what it has to lose was flushed before. */
        "rbd_update_unwatch",
        "rbd_close",
        /* Sticks, and is told of by the next flush. */
        "rbd_flush",
        /* Asked once more afterwards, by the worker. */
        "rbd_get_size",
    };

    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        if (strcmp(function, harmless[i]) == 0)
            return true;
    }
    return false;
}

/* One attempt with the n-th call failing. Returns whether there were so many. */
static bool try_to_reopen(struct vdisk *disk, unsigned int n, int error)
{
    struct vdisk_error err;
    bool struck;
    int r;

    fake_fail_nth(n, error);
    r = vdisk_reopen(disk, 0, &err);
    struck = fake_failed();
    if (!struck)
        fake_fail_nth(0, 0);
    assert_int_equal(err.code, r);
    assert_int_equal(err.message[0] != '\0', r < 0);
    if (!struck)
        assert_int_equal(r, 0);
    else if (r == 0 && !may_be_swallowed(fake_failed_name()))
        fail_msg("call %u, %s: the caller never learned that it failed", n, fake_failed_name());
    if (r < 0)
        reopen_with(disk, 0);
    return struck;
}

static void sweep(bool fenced, int error)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct vdisk *disk;
        int lost;

        set_up_cluster(NULL);
        disk = open_disk(IMAGE_URI, 0);
        assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
        if (fenced)
            fence(disk);
        struck = try_to_reopen(disk, ++n, error);
        /* The worker, too, may have met the failure, after the call. */
        vd_background_flush(&disk->background);
        if (vd_disk_is_fenced(disk))
            reopen_with(disk, 0);
        lost = vdisk_flush(disk, NULL);
        assert_true(lost == -EIO || (!fenced && lost == 0));
        assert_int_equal(vdisk_acknowledge_loss(disk, NULL), 0);
        assert_works(disk);
        close_disk(disk);
        assert_int_equal(tear_down_cluster(NULL), 0);
    } while (struck);
    assert_true(n > 15);
}

static void every_call_for_a_fenced_disk_may_fail(void **state)
{
    (void)state;
    sweep(true, EIO);
}

static void every_call_for_a_disk_that_is_not_fenced_may_fail(void **state)
{
    (void)state;
    sweep(false, EIO);
}

static void the_new_client_may_be_fenced_at_any_time(void **state)
{
    (void)state;
    sweep(true, ESHUTDOWN);
    sweep(false, ESHUTDOWN);
}

static void every_allocation_may_fail(void **state)
{
    unsigned int n = 0;
    bool struck;

    (void)state;
    do {
        struct vdisk_error err;
        struct vdisk *disk;
        int r;

        set_up_cluster(NULL);
        disk = open_disk(IMAGE_URI, 0);
        fence(disk);
        wrap_fail_nth(++n);
        r = vdisk_reopen(disk, 0, &err);
        struck = wrap_disarm();
        assert_int_equal(r < 0, struck);
        if (struck) {
            assert_true(r == -ENOMEM || r == -EAGAIN);
            assert_int_equal(err.code, r);
            reopen_with(disk, 0);
        }
        assert_works(disk);
        close_disk(disk);
        assert_int_equal(tear_down_cluster(NULL), 0);
    } while (struck);
    assert_true(n > 3);
}

/* Unsettled writes. */

static int write_tagged(const struct fixture *fixture, void *user_data, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, 1};

    return vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, 0, 0, user_data);
}

static void assert_completes(const struct fixture *fixture, const void *user_data, int result)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_ptr_equal(done.user_data, user_data);
    assert_int_equal(done.result, result);
}

static unsigned int barrier(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    return info.indeterminate_writes;
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
    assert_int_equal(write_tagged(fixture, &tag, "x"), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &tag), 1);
    assert_completes(fixture, &tag, -ECANCELED);
    assert_int_equal(write_tagged(fixture, &other_tag, "y"), 0);
    assert_refused_as_unsettled(fixture->disk);
    start_background(&reopening, fence_and_reopen, fixture->disk);
    wait_until(vd_disk_is_fenced(fixture->disk));
    fake_release_all();
    assert_int_equal(end_background(&reopening), 0);
    assert_completes(fixture, &other_tag, -ESHUTDOWN);
    assert_int_equal(barrier(fixture->disk), 0);
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
    assert_int_equal(write_tagged(fixture, &tag, "x"), 0);
    assert_completes(fixture, &tag, -ETIMEDOUT);
    assert_int_equal(write_tagged(fixture, &other_tag, "y"), 0);
    assert_int_equal(barrier(fixture->disk), 1);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EBUSY);
    reopen_with(fixture->disk, VDISK_REOPEN_FENCE);
    assert_completes(fixture, &other_tag, -ESHUTDOWN);
    assert_int_equal(barrier(fixture->disk), 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

/* What only fencing settles is settled when somebody else does it. */
static void fencing_settles_what_ceph_gave_up(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_tagged(fixture, &tag, "x"), 0);
    assert_completes(fixture, &tag, -ETIMEDOUT);
    assert_int_equal(write_tagged(fixture, &other_tag, "y"), 0);
    fence(fixture->disk);
    assert_completes(fixture, &other_tag, -ESHUTDOWN);
    reopen_with(fixture->disk, 0);
    assert_int_equal(barrier(fixture->disk), 0);
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
    assert_int_equal(write_tagged(fixture, &tag, "x"), 0);
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    start_background(&reopening, reopen_it, fixture->disk);
    wait_until(vd_disk_refuses_all(fixture->disk));
    allow_time_for(is_over(&reopening));
    assert_false(is_over(&reopening));
    fake_release_all();
    assert_int_equal(end_background(&reopening), -EBUSY);
    assert_completes(fixture, &tag, -ETIMEDOUT);
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
    assert_int_equal(vdisk_aio_reopen(fixture->queue, fixture->disk, 0, &tag, &err), 0);
    assert_true(fake_wait_blocked("rados_connect"));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EALREADY);
    assert_says(&err, -EALREADY, "being reopened by another call");
    fake_unblock_call("rados_connect");
    assert_completes(fixture, &tag, 0);
    assert_works(fixture->disk);

    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    assert_int_equal(vdisk_aio_reopen(fixture->queue, fixture->disk, 0, &tag, &err), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
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
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &tag, &err), 0);
    fake_unblock_call("rbd_update_watch");
    assert_int_equal(end_background(&reopening), 0);
    assert_works(fixture->disk);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &tag), 1);
    do {
        struct vdisk_completion done;

        assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
        if (!(done.flags & VDISK_COMPLETION_MORE))
            break;
    } while (true);
}

/* Otherwise the thread that could unplug it would wait for that for ever. */
static void a_plugged_queue_stops_the_reopening(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
    assert_int_equal(write_tagged(fixture, &tag, "x"), 0);
    fence(fixture->disk);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "A queue is plugged with requests to the disk: unplug it first");
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
    assert_completes(fixture, &tag, -ESHUTDOWN);
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
