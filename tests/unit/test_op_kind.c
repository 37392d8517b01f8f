/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When, and on which thread, the functions of a kind of control operation are called. */
#include "scripted_op_helpers.h"

#include <errno.h>

#include "completion_helpers.h"

static void performing_does_it_all_here(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vd_op_perform(new_op(&plain, fixture->disk), &err), 0);
    check_called(1, 1, 1);
    assert_true(pthread_equal(script.runner, pthread_self()));
    script.result = -EIO;
    assert_int_equal(vd_op_perform(new_op(&plain, fixture->disk), &err), -EIO);
    assert_says(&err, -EIO, "script");
    check_called(2, 2, 2);
}

static void submitting_runs_it_elsewhere_and_delivers_it_here(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start(fixture->queue, new_op(&plain, fixture->disk), 0);
    check_called(1, 0, 0);
    go_on();
    wait_until(fd_is_readable(fixture->queue));
    check_called(1, 0, 0);
    done = next_of(fixture->queue);
    check_called(1, 1, 1);
    assert_int_equal(done.value, 17);
    assert_false(pthread_equal(script.runner, pthread_self()));
    assert_true(pthread_equal(script.deliverer, pthread_self()));
}

static void a_failure_is_delivered_and_cleared_with_its_sentence(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    script.result = -EIO;
    submit(fixture->queue, new_op(&plain, fixture->disk), 0);
    assert_int_equal(next_of(fixture->queue).result, -EIO);
    check_called(1, 1, 0);
    assert_int_equal(script.delivered_result, -EIO);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    check_called(1, 1, 1);
}

static void a_task_without_a_disk_has_a_lane_of_its_own(void **state)
{
    const struct fixture *fixture = *state;

    start(fixture->queue, new_op(&plain, fixture->disk), 0);
    script.reported.stops = false;
    submit(fixture->queue, new_loner(&plain, fixture->disk), 0);
    assert_int_equal(next_of(fixture->queue).result, 0);
    check_called(2, 1, 1);
    go_on();
    assert_int_equal(next_of(fixture->queue).result, 0);
    assert_int_equal(vd_op_perform(new_loner(&plain, fixture->disk), NULL), 0);
    check_called(3, 3, 3);
}

static void deliver_and_clear_can_be_left_out(void **state)
{
    const struct fixture *fixture = *state;

    submit(fixture->queue, new_op(&minimal, fixture->disk), 0);
    assert_int_equal(next_of(fixture->queue).result, 0);
    assert_int_equal(vd_op_perform(new_op(&minimal, fixture->disk), NULL), 0);
    check_called(2, 0, 0);
}

static void what_is_refused_is_cleared_only(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vd_op_submit(NULL, new_op(&plain, fixture->disk), 0, NULL, NULL), -EINVAL);
    assert_int_equal(vd_op_submit(fixture->queue, new_op(&plain, fixture->disk), 1, NULL, NULL), -EINVAL);
    assert_int_equal(vd_op_submit(fixture->queue, new_loner(&plain, fixture->disk), 1, NULL, NULL), -EINVAL);
    check_called(0, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(performing_does_it_all_here),
        SCRIPT_TEST(submitting_runs_it_elsewhere_and_delivers_it_here),
        SCRIPT_TEST(a_failure_is_delivered_and_cleared_with_its_sentence),
        SCRIPT_TEST(a_task_without_a_disk_has_a_lane_of_its_own),
        SCRIPT_TEST(deliver_and_clear_can_be_left_out),
        SCRIPT_TEST(what_is_refused_is_cleared_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
