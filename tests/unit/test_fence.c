/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk whose client the cluster has fenced: how it learns of that, and what it does then. */
#include "disk_fixture.h"

#include <errno.h>

#include "disk/disk.h"
#include "fake.h"

/* Closing tells of a loss, when something was written. */
static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fake_release_all();
    if (fixture->disk)
        vdisk_close(fixture->disk, NULL);
    fixture->disk = NULL;
    return tear_down_disk(state);
}

static void fence(struct vdisk *disk)
{
    char byte;

    fake_blocklist();
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
}

#define SENTENCE "vdisk_reopen"

static void every_request_is_refused_at_once(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before;
    char byte = 0;

    fence(fixture->disk);
    before = fake_calls(NULL);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_write(fixture->queue, fixture->disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), -ESHUTDOWN);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 0, 0), -ESHUTDOWN);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 0);
    assert_int_equal(fake_calls(NULL), before);
}

static void every_call_is_refused_with_what_helps(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    unsigned int before;
    size_t count;
    char byte = 0;

    fence(fixture->disk);
    before = fake_calls(NULL);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_says(&err, -ESHUTDOWN, "\"i\"");
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(vdisk_flush(fixture->disk, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, NULL, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, fixture->disk, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(fake_calls(NULL), before);
}

static void what_needs_no_cluster_goes_on(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info;

    fence(fixture->disk);
    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

/* Each answer of librbd's tells, whatever was asked. */

static void a_write_finds_out(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -ESHUTDOWN);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), -ESHUTDOWN);
    assert_true(vd_disk_is_fenced(fixture->disk));
}

static void a_flush_finds_out(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_FLUSH, -ESHUTDOWN);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ESHUTDOWN);
    assert_true(vd_disk_is_fenced(fixture->disk));
}

static void a_call_finds_out(void **state)
{
    const struct fixture *fixture = *state;

    fake_fail_call("rbd_snap_create", 1, ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), -ESHUTDOWN);
    assert_true(vd_disk_is_fenced(fixture->disk));
}

static void a_resize_finds_out(void **state)
{
    const struct fixture *fixture = *state;

    fake_fail_call("rbd_resize2", 1, ESHUTDOWN);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), -ESHUTDOWN);
    assert_true(vd_disk_is_fenced(fixture->disk));
}

static void a_list_finds_out(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;
    size_t count;

    fake_fail_call("rbd_snap_list", 1, ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, fixture->disk, NULL), -ESHUTDOWN);
    assert_true(vd_disk_is_fenced(fixture->disk));
}

static void other_errors_fence_nobody(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -EIO);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), -EIO);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
}

/* The first error of two flushes is told of both, but that is no new answer of the cluster's. */
static void an_error_that_sticks_fences_nobody(void **state)
{
    const struct fixture *fixture = *state;

    fake_hold(FAKE_FLUSH);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    fake_next_result(FAKE_FLUSH, -ESHUTDOWN);
    assert_int_equal(fake_release(FAKE_FLUSH, 1, FAKE_FIFO, 0), 1);
    assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
    vd_disk_admit(fixture->disk, VD_REFUSE_FENCED);
    fake_next_result(FAKE_FLUSH, -EIO);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
    assert_false(vd_disk_is_fenced(fixture->disk));
}

static void requests_in_flight_complete(void **state)
{
    const struct fixture *fixture = *state;
    char bytes[3];

    fake_hold(FAKE_READ);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(submit_read(fixture->queue, fixture->disk, &bytes[i], 1, 0), 0);
    fake_blocklist();
    fake_release_all();
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, bytes, 1, 0), -ESHUTDOWN);
}

/* Accepted before, and its turn comes after. */
static void an_operation_that_waits_its_turn_is_refused_then(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;
    unsigned int before = fake_calls("rbd_snap_create");
    char byte;

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, NULL, NULL), 0);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "t", 0, NULL, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
    fake_blocklist();
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    fake_unblock_call("rbd_snap_create");
    assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, SENTENCE);
    assert_int_equal(fake_calls("rbd_snap_create") - before, 1);
}

/* For the sanitizers: it is found out while the disk is closed. */
static void fencing_and_closing_may_meet(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    start_closing(&closing, fixture->disk);
    fake_blocklist();
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(every_request_is_refused_at_once),
        DISK_TEST(every_call_is_refused_with_what_helps),
        DISK_TEST(what_needs_no_cluster_goes_on),
        DISK_TEST(a_write_finds_out),
        DISK_TEST(a_flush_finds_out),
        DISK_TEST(a_call_finds_out),
        DISK_TEST(a_resize_finds_out),
        DISK_TEST(a_list_finds_out),
        DISK_TEST(other_errors_fence_nobody),
        DISK_TEST(an_error_that_sticks_fences_nobody),
        DISK_TEST(requests_in_flight_complete),
        DISK_TEST(an_operation_that_waits_its_turn_is_refused_then),
        DISK_TEST(fencing_and_closing_may_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
