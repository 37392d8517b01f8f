/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests when vdisk_close flushes, and that it returns the error of the flush before that of the close. */
#include "flush_helpers.h"

#include <errno.h>

/* When it flushes. */

static void a_disk_that_was_only_read_is_not_flushed(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(flushes_at_close(*state), 0);
}

static void a_disk_that_was_written_is_flushed(void **state)
{
    write_byte(*state);
    assert_int_equal(flushes_at_close(*state), 1);
}

static void a_disk_that_was_flushed_is_not_flushed_again(void **state)
{
    const struct fixture *fixture = *state;

    write_byte(fixture);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(flushes_at_close(*state), 0);
}

static void a_disk_written_after_its_last_flush_is_flushed(void **state)
{
    const struct fixture *fixture = *state;

    write_byte(fixture);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    write_byte(fixture);
    assert_int_equal(flushes_at_close(*state), 1);
}

/* It may have reached the cache, or the cluster. */
static void a_write_that_failed_is_flushed(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -EIO);
    fake_land_failed_writes(true);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), -EIO);
    assert_int_equal(flushes_at_close(*state), 1);
}

static void a_write_during_a_flush_is_flushed(void **state)
{
    struct fixture *fixture = *state;

    write_byte(fixture);
    fake_hold(FAKE_FLUSH);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    write_byte(fixture);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(flushes_at_close(fixture), 1);
}

static void a_read_only_disk_is_not_flushed(void **state)
{
    struct vdisk *disk;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    close_disk(disk);
    assert_int_equal(fake_calls("rbd_flush") + fake_calls("rbd_aio_flush"), 0);
}

/* What fails. */

static void a_failing_flush_is_told_by_close(void **state)
{
    write_byte(*state);
    fake_fail_call("rbd_flush", 1, EIO);
    assert_close_fails(*state, -EIO, "Flushing image \"i\" failed: Input/output error. What was written may not be on");
}

/* Afterwards librbd knows nothing of it, and closing succeeds. */
static void an_error_that_librbd_tells_once_is_told_by_close(void **state)
{
    write_byte(*state);
    fake_next_result(FAKE_FLUSH, -ENOSPC);
    assert_close_fails(*state, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void a_failing_close_is_told(void **state)
{
    fake_fail_call("rbd_close", 1, EIO);
    assert_close_fails(*state, -EIO, "Closing image \"i\" failed: Input/output error");
}

static void a_flush_error_outranks_that_of_closing(void **state)
{
    write_byte(*state);
    fake_fail_call("rbd_flush", 1, ENOSPC);
    fake_fail_call("rbd_close", 1, EIO);
    assert_close_fails(*state, -ENOSPC, "Flushing image \"i\" failed: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_disk_that_was_only_read_is_not_flushed),
        DISK_TEST(a_disk_that_was_written_is_flushed),
        DISK_TEST(a_disk_that_was_flushed_is_not_flushed_again),
        DISK_TEST(a_disk_written_after_its_last_flush_is_flushed),
        DISK_TEST(a_write_that_failed_is_flushed),
        DISK_TEST(a_write_during_a_flush_is_flushed),
        TEST(a_read_only_disk_is_not_flushed),
        DISK_TEST(a_failing_flush_is_told_by_close),
        DISK_TEST(an_error_that_librbd_tells_once_is_told_by_close),
        DISK_TEST(a_failing_close_is_told),
        DISK_TEST(a_flush_error_outranks_that_of_closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
