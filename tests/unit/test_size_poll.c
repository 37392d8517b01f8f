/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This file tests how a read-only disk learns of its image's size: it opens the image again and again, and replaces
 * the one it has.
 */
#include "size_helpers.h"

#include <errno.h>
#include <string.h>

#include "disk/disk.h"

/* Waits until so many handles of Ceph are open. Polling itself opens some from time to time. */
static void assert_leftovers_become(size_t count)
{
    wait_until(fake_leaks(NULL, 0) == count);
}

/* The handles of one disk: a connection, a pool and the image. */
#define OF_ONE_DISK 3

static void a_read_only_disk_follows_the_size(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    resize_elsewhere(2 * IMAGE_SIZE, true);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    resize_elsewhere(512, true);
    assert_size_becomes(disk, 512);
    close_disk(disk);
}

static void what_was_written_elsewhere_since_is_read(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    char data[3];

    (void)state;
    resize_elsewhere(2 * IMAGE_SIZE, true);
    fake_image_write("p", "", "i", 2 * IMAGE_SIZE - 3, "abc", 3);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, data, 3, 2 * IMAGE_SIZE - 3, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

static void images_that_were_replaced_are_closed(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    for (uint64_t i = 1; i <= 20; i++) {
        resize_elsewhere(IMAGE_SIZE + i, true);
        assert_size_becomes(disk, IMAGE_SIZE + i);
    }
    assert_leftovers_become(OF_ONE_DISK);
    close_disk(disk);
}

/* The fake aborts when the image is closed under the request. */
static void a_request_ends_on_the_image_it_started_on(void **state)
{
    static unsigned char data[4096];
    struct vdisk *disk = open_polled(IMAGE_URI);
    const struct fixture *fixture = *state;
    unsigned int before;

    fill(data, sizeof data, 1);
    fake_image_write("p", "", "i", 0, data, sizeof data);
    fake_hold(FAKE_READ);
    memset(data, 0, sizeof data);
    assert_int_equal(submit_read(fixture->queue, disk, data, sizeof data, 0), 0);
    resize_elsewhere(2 * IMAGE_SIZE, true);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    /* Time for some to want to close the old one. */
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_filled(data, sizeof data, 1));
    assert_leftovers_become(2 * OF_ONE_DISK);
    close_disk(disk);
}

static void closing_waits_for_requests_on_replaced_images(void **state)
{
    static struct closing closing;
    struct vdisk *disk = open_polled(IMAGE_URI);
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), 0);
        resize_elsewhere(IMAGE_SIZE + i, true);
        assert_size_becomes(disk, IMAGE_SIZE + i);
    }
    start_closing(&closing, disk);
    assert_int_equal(fake_release(FAKE_READ, 2, FAKE_RANDOM, 1), 2);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(reap_one(fixture->queue), 0);
}

static void closing_waits_for_the_poll(void **state)
{
    static struct closing closing;
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    fake_block_call("rbd_open_read_only");
    assert_true(fake_wait_blocked("rbd_open_read_only"));
    resize_elsewhere(512, true);
    start_closing(&closing, disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_unblock_call("rbd_open_read_only");
    assert_int_equal(end_closing(&closing), 0);
}

static void a_failing_poll_leaves_the_old_size(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    unsigned int before;
    char byte;

    (void)state;
    fake_fail_always("rbd_open_read_only", EIO);
    resize_elsewhere(512, true);
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    fake_fail_always("rbd_open_read_only", 0);
    assert_size_becomes(disk, 512);
    close_disk(disk);
}

/* Another image in the place of the one that is open: removed, made again. */
static void another_image_of_the_same_name_is_not_taken_for_the_old(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    unsigned int before;
    char byte = 1;

    (void)state;
    fake_remove_image("p", "", "i");
    fake_create_image("p", "", "i", 2 * IMAGE_SIZE);
    fake_image_write("p", "", "i", 0, "x", 1);
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(byte, 0);
    close_disk(disk);
}

static struct vdisk *open_with_period(const char *uri, uint32_t flags, uint32_t period_ms)
{
    struct vdisk_open_options options;
    struct vdisk *disk;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    options.size_poll_ms = period_ms;
    assert_int_equal(vdisk_open_uri(&disk, uri, &options, NULL), 0);
    return disk;
}

static void snapshots_are_not_polled(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    disk = open_polled("rbd:p/i@s");
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    allow_time_for(fake_calls("rbd_open_read_only") > 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    close_disk(disk);
}

static void disks_with_a_watch_are_not_polled(void **state)
{
    struct vdisk *disk = open_with_period(IMAGE_URI, 0, 1);

    (void)state;
    allow_time_for(fake_calls("rbd_open") + fake_calls("rbd_open_read_only") > 1);
    assert_int_equal(fake_calls("rbd_open") + fake_calls("rbd_open_read_only"), 1);
    close_disk(disk);
}

/* Waiting for it would take too long. */
static void a_period_of_zero_is_five_seconds(void **state)
{
    struct vdisk *disk = open_with_period(IMAGE_URI, VDISK_OPEN_READ_ONLY, 0);

    (void)state;
    assert_int_equal(disk->refresh.timer.period_ms, 5000);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_read_only_disk_follows_the_size),
        TEST(what_was_written_elsewhere_since_is_read),
        TEST(images_that_were_replaced_are_closed),
        DISK_TEST(a_request_ends_on_the_image_it_started_on),
        DISK_TEST(closing_waits_for_requests_on_replaced_images),
        TEST(closing_waits_for_the_poll),
        TEST(a_failing_poll_leaves_the_old_size),
        TEST(another_image_of_the_same_name_is_not_taken_for_the_old),
        TEST(snapshots_are_not_polled),
        TEST(disks_with_a_watch_are_not_polled),
        TEST(a_period_of_zero_is_five_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
