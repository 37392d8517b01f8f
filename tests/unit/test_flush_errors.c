/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that every later flush, and vdisk_close, return the error of a flush until it is acknowledged. */
#include "flush_helpers.h"

#include <errno.h>

/* A write, and a flush on the first queue that fails. */
static void lose(struct fixture *fixture, int error)
{
    write_byte(fixture);
    fake_next_result(FAKE_FLUSH, error);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->queue), error);
}

static void a_flush_error_is_told_by_every_later_flush(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    lose(fixture, -EIO);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
        assert_int_equal(reap_one(fixture->other_queue), -EIO);
        assert_int_equal(vdisk_flush(fixture->disk, &err), -EIO);
        assert_says(&err, -EIO, "Flushing image \"i\" failed: Input/output error");
        assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
        assert_int_equal(reap_one(fixture->queue), -EIO);
    }
    assert_close_fails(fixture, -EIO, "Flushing image \"i\" failed: Input/output error");
}

static void the_error_of_a_blocking_flush_sticks_too(void **state)
{
    struct fixture *fixture = *state;

    write_byte(fixture);
    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_flush", 1, ENOSPC);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->queue), -ENOSPC);
    assert_close_fails(fixture, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void the_first_flush_error_stays(void **state)
{
    struct fixture *fixture = *state;

    lose(fixture, -ENOSPC);
    /* This one is the close's own. */
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_close_fails(fixture, -ENOSPC, "Flushing image \"i\" failed: ");
}

static void acknowledging_lets_flushes_succeed_again(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    lose(fixture, -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
    assert_int_equal(reap_one(fixture->other_queue), 0);
    assert_int_equal(flushes_at_close(fixture), 0);
}

static void acknowledged_but_unflushed_is_flushed_by_close(void **state)
{
    struct fixture *fixture = *state;

    lose(fixture, -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_int_equal(flushes_at_close(fixture), 1);
}

/* librbd tells the error to one of them only. */
static void no_flush_in_flight_claims_success_when_one_has_failed(void **state)
{
    struct fixture *fixture = *state;
    enum fake_order orders[] = {FAKE_FIFO, FAKE_LIFO};

    for (size_t i = 0; i < 2; i++) {
        write_byte(fixture);
        fake_hold(FAKE_FLUSH);
        assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
        assert_int_equal(submit_flush(fixture->other_queue, fixture->disk), 0);
        assert_true(fake_wait_held(FAKE_FLUSH, 2));
        fake_next_result(FAKE_FLUSH, -EIO);
        assert_int_equal(fake_release(FAKE_FLUSH, 2, orders[i], 0), 2);
        assert_int_equal(reap_one(fixture->queue), -EIO);
        assert_int_equal(reap_one(fixture->other_queue), -EIO);
        fake_release_all();
        assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    }
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_flush_error_is_told_by_every_later_flush),
        DISK_TEST(the_error_of_a_blocking_flush_sticks_too),
        DISK_TEST(the_first_flush_error_stays),
        DISK_TEST(acknowledging_lets_flushes_succeed_again),
        DISK_TEST(acknowledged_but_unflushed_is_flushed_by_close),
        DISK_TEST(no_flush_in_flight_claims_success_when_one_has_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
