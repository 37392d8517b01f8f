/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests requests that are in I/O while the image shrinks. */
#include "size_helpers.h"

#include <errno.h>
#include <string.h>

static void a_read_beyond_the_new_end_is_filled_with_zeroes(void **state)
{
    static unsigned char crossing[4096], beyond[4096];
    const struct fixture *fixture = *state;

    fill(crossing, sizeof crossing, 1);
    fake_image_write("p", "", "i", MIB, crossing, sizeof crossing);
    memset(crossing, 0xff, sizeof crossing);
    memset(beyond, 0xff, sizeof beyond);
    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, crossing, sizeof crossing, MIB), 0);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, beyond, sizeof beyond, 2 * MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + 100, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_filled(crossing, 100, 1));
    assert_true(is_zero(crossing + 100, sizeof crossing - 100));
    assert_true(is_zero(beyond, sizeof beyond));
}

/* librbd cuts one off without a word, and refuses the other. */
static void a_write_beyond_the_new_end_is_an_error(void **state)
{
    static const unsigned char data[4096];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    assert_int_equal(submit_write(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    assert_int_equal(submit_write(fixture->other_queue, fixture->disk, data, sizeof data, 2 * MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + 100, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), -EIO);
    assert_int_equal(reap_one(fixture->other_queue), -EIO);
}

static void what_still_fits_is_no_error(void **state)
{
    static unsigned char data[4096];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    assert_int_equal(submit_write(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + sizeof data, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void a_request_refused_by_librbd_asks_whether_the_image_shrank(void **state)
{
    static unsigned char data[512];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_READ | FAKE_EVENT);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    resize_elsewhere(512, true);
    memset(data, 0xff, sizeof data);
    assert_int_equal(fake_release(FAKE_READ, 1, FAKE_FIFO, 0), 1);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_zero(data, sizeof data));
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_read_beyond_the_new_end_is_filled_with_zeroes),
        DISK_TEST(a_write_beyond_the_new_end_is_an_error),
        DISK_TEST(what_still_fits_is_no_error),
        DISK_TEST(a_request_refused_by_librbd_asks_whether_the_image_shrank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
