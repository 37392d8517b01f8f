/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that vdisk_close waits for requests and calls, refuses new ones, and ends the connection. */
#include "disk_fixture.h"

#include <errno.h>

#include "fake.h"

static void closing_waits_for_requests_on_every_queue(void **state)
{
    static unsigned char to_read[4096], to_write[4096];
    static struct closing closing;
    struct fixture *fixture = *state;

    fill(to_write, sizeof to_write, 1);
    fake_image_write("p", "", "i", 0, to_write, sizeof to_write);
    fake_hold(FAKE_IO);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, to_read, sizeof to_read, 0), 0);
    assert_int_equal(submit_write(fixture->other_queue, fixture->disk, to_write, sizeof to_write, MIB), 0);
    assert_true(fake_wait_held(FAKE_IO, 2));
    start_closing(&closing, fixture->disk);

    fake_release(FAKE_READ, 1, FAKE_FIFO, 0);
    assert_true(fake_wait_idle());
    allow_time_for(fake_calls("rbd_close") > 0);
    assert_int_equal(fake_calls("rbd_close"), 0);
    assert_false(is_over(&closing.background));

    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_leaks(NULL, 0), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(reap_one(fixture->other_queue), 0);
    assert_true(is_filled(to_read, sizeof to_read, 1));
}

static void a_closing_disk_lets_nobody_in(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;
    struct vdisk *disk = fixture->disk;
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    unsigned int before;
    size_t count;
    char byte = 0;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), 0);
    start_closing(&closing, disk);
    before = fake_calls(NULL);
    assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_write(fixture->other_queue, disk, &byte, 1, 0), -ESHUTDOWN);
    assert_int_equal(submit_flush(fixture->queue, disk), -ESHUTDOWN);
    assert_int_equal(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "The disk is being closed");
    assert_int_equal(vdisk_flush(disk, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_resize(disk, 2 * IMAGE_SIZE, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(disk, "s", 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, disk, NULL), -ESHUTDOWN);
    assert_int_equal(fake_calls(NULL), before);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);

    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), 0);
}

static int grow(void *disk)
{
    return vdisk_resize(disk, 2 * IMAGE_SIZE, 0, NULL);
}

static void closing_waits_for_calls_that_block(void **state)
{
    static struct background growing;
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_block_call("rbd_resize2");
    start_background(&growing, grow, fixture->disk);
    assert_true(fake_wait_blocked("rbd_resize2"));
    start_closing(&closing, fixture->disk);
    allow_time_for(fake_calls("rbd_close") > 0);
    assert_int_equal(fake_calls("rbd_close"), 0);
    fake_unblock_call("rbd_resize2");
    assert_int_equal(end_background(&growing), 0);
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_image_size("p", "", "i"), 2 * IMAGE_SIZE);
}

/* The fake aborts when images, ioctx and cluster handle are not closed in this order. */
static void closing_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;

    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(fake_leaks(NULL, 0), 0);
    assert_int_equal(fake_calls("rbd_close"), 1);
    assert_int_equal(fake_calls("rados_ioctx_destroy"), 1);
    assert_int_equal(fake_calls("rados_shutdown"), 1);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(closing_waits_for_requests_on_every_queue),
        DISK_TEST(a_closing_disk_lets_nobody_in),
        DISK_TEST(closing_waits_for_calls_that_block),
        DISK_TEST(closing_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
