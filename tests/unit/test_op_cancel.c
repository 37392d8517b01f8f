/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control operations that are cancelled, or expire, before and while they run. */
#include "scripted_op_helpers.h"

#include <errno.h>
#include <sched.h>

#include "completion_helpers.h"

static void one_that_runs_is_not_cancelled(void **state)
{
    static const struct vd_op_kind *const kinds[] = {&plain, &minimal, &reporting, &impatient};
    const struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        start(fixture->queue, new_op(kinds[i], fixture->disk), 0);
        assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -EBUSY);
        go_on();
        assert_int_equal(next_of(fixture->queue).result, 0);
    }
}

static void one_that_waits_for_its_turn_never_runs(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    start(fixture->other_queue, new_op(&plain, fixture->disk), 0);
    submit(fixture->queue, new_op(&plain, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    check_called(1, 0, 1);
    assert_true(fd_is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -ENOENT);
    done = next_of(fixture->queue);
    check_final(&done);
    assert_int_equal(done.result, -ECANCELED);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ECANCELED);
    assert_says(&err, -ECANCELED, "cancelled");
    go_on();
    assert_int_equal(next_of(fixture->other_queue).result, 0);
    /* Nothing holds the disk. */
    close_disk(fixture->disk);
    fixture->disk = NULL;
    check_called(1, 1, 2);
}

static void one_that_is_done_is_not_cancelled_although_its_disk_is_gone(void **state)
{
    struct fixture *fixture = *state;

    submit(fixture->queue, new_op(&abandonable, fixture->disk), 0);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), -ENOENT);
    assert_int_equal(next_of(fixture->queue).result, 0);
    check_called(1, 1, 1);
}

static void one_that_can_be_abandoned_ends_at_once_and_is_cleared_late(void **state)
{
    const struct fixture *fixture = *state;

    start(fixture->queue, new_op(&abandonable, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    assert_int_equal(next_of(fixture->queue).result, -ECANCELED);
    check_called(1, 0, 0);
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
    assert_false(pthread_equal(script.clearer, pthread_self()));
    check_called(1, 0, 1);
}

static void so_does_one_without_a_disk_though_the_queue_is_gone(void **state)
{
    struct fixture *fixture = *state;

    start(fixture->queue, new_loner(&abandonable, fixture->disk), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &script), 1);
    assert_int_equal(next_of(fixture->queue).result, -ECANCELED);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    fixture->queue = NULL;
    close_disk(fixture->disk);
    fixture->disk = NULL;
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
}

/* Cancelling meets each moment in the life of a operation; what comes of it must be one completion and one clearing. */
static void cancelling_and_ending_decide_who_is_first(void **state)
{
    const struct fixture *fixture = *state;

    for (unsigned int i = 1; i <= 500; i++) {
        bool alone = i % 2;
        struct vdisk_completion done;
        int r;

        submit(fixture->queue, alone ? new_loner(&abandonable, fixture->disk) : new_op(&abandonable, fixture->disk), 0);
        for (unsigned int spin = 0; spin < i % 64; spin++)
            sched_yield();
        r = vdisk_queue_cancel(fixture->queue, &script);
        assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
        assert_true(r == 1 || r == -ENOENT);
        assert_int_equal(done.result, r == 1 ? -ECANCELED : 0);
        assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
        wait_until(atomic_load(&script.cleared) == i);
    }
}

static void one_with_a_timeout_is_done_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    struct vd_op *op = new_op(&impatient, fixture->disk);
    struct vdisk_completion done;
    struct vdisk_error err;

    op->timeout_ms = 1;
    start(fixture->queue, op, 0);
    done = next_of(fixture->queue);
    assert_int_equal(done.result, -ETIMEDOUT);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "too long");
    check_called(1, 0, 0);
    go_on();
    wait_until(atomic_load(&script.cleared) == 1);
    check_called(1, 0, 1);
}

static void one_that_is_in_time_has_no_timeout(void **state)
{
    const struct fixture *fixture = *state;
    struct vd_op *op = new_op(&impatient, fixture->disk);

    op->timeout_ms = 30000;
    submit(fixture->queue, op, 0);
    assert_int_equal(next_of(fixture->queue).result, 0);
    check_called(1, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(one_that_runs_is_not_cancelled),
        SCRIPT_TEST(one_that_waits_for_its_turn_never_runs),
        SCRIPT_TEST(one_that_is_done_is_not_cancelled_although_its_disk_is_gone),
        SCRIPT_TEST(one_that_can_be_abandoned_ends_at_once_and_is_cleared_late),
        SCRIPT_TEST(so_does_one_without_a_disk_though_the_queue_is_gone),
        SCRIPT_TEST(cancelling_and_ending_decide_who_is_first),
        SCRIPT_TEST(one_with_a_timeout_is_done_all_the_same),
        SCRIPT_TEST(one_that_is_in_time_has_no_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
