/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The progress that a control operation reports, and the completions that bring it to the caller. */
#include "scripted_op_helpers.h"

#include <errno.h>

#include "completion_helpers.h"
#include "io/queue.h"

#define HALF (VDISK_PROGRESS_WHOLE / 2)

static void report(uint64_t done, uint64_t total)
{
    size_t i = 0;

    while (script.reports[i].total != UINT64_MAX)
        i++;
    script.reports[i].done = done;
    script.reports[i].total = total;
    script.reports[i + 1].total = UINT64_MAX;
}

static void check_progress(const struct vdisk_completion *completion, uint64_t value)
{
    assert_ptr_equal(completion->user_data, &script);
    assert_int_equal(completion->flags, VDISK_COMPLETION_MORE);
    assert_int_equal(completion->result, 0);
    assert_int_equal(completion->value, value);
    assert_null(completion->disk);
}

static void progress_comes_on_request_only(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 2);
    submit(fixture->queue, new_op(&reporting, fixture->disk), 0);
    done = next_of(fixture->queue);
    check_final(&done);
    assert_int_equal(vd_op_perform(new_op(&reporting, fixture->disk), NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
}

static void only_kinds_that_have_progress_take_the_flag(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vd_op_submit(fixture->queue, new_op(&plain, fixture->disk), VDISK_AIO_PROGRESS, NULL, &err),
                     -EINVAL);
    assert_says(&err, -EINVAL, "flags");
    check_called(0, 0, 1);
}

static void progress_comes_before_the_end(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 2);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    wait_until(fd_is_readable(fixture->queue));
    done = next_of(fixture->queue);
    check_progress(&done, HALF);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, NULL), 0);
    go_on();
    done = next_of(fixture->queue);
    check_final(&done);
}

static void what_is_not_reaped_adds_up(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[4];

    report(1, 4);
    report(2, 4);
    report(3, 4);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    go_on();
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 4), 2);
    check_progress(&done[0], 3 * VDISK_PROGRESS_WHOLE / 4);
    check_final(&done[1]);
}

static void it_also_does_with_an_entry_that_was_taken(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    report(1, 4);
    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    wait_until(fd_is_readable(fixture->queue));
    /* Into the queue's list, and not reaped. */
    assert_int_equal(vdisk_queue_reap(fixture->queue, NULL, 0), 0);
    assert_true(fd_is_readable(fixture->queue));
    vd_op_progress(2, 4, fixture->queue->op_entries->op);
    done = next_of(fixture->queue);
    check_progress(&done, HALF);
    assert_false(fd_is_readable(fixture->queue));
    vd_op_progress(3, 4, fixture->queue->op_entries->op);
    done = next_of(fixture->queue);
    check_progress(&done, 3 * VDISK_PROGRESS_WHOLE / 4);
    go_on();
    done = next_of(fixture->queue);
    check_final(&done);
}

static void progress_is_told_as_a_share(void **state)
{
    static const struct {
        uint64_t done, total, value;
    } shares[] = {
        {0, 1, 0},
        {1, 1, VDISK_PROGRESS_WHOLE},
        {2, 1, VDISK_PROGRESS_WHOLE},
        {0, 0, VDISK_PROGRESS_WHOLE},
        {1, 3, 333333},
        {UINT64_C(1) << 62, UINT64_C(1) << 63, HALF},
    };
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start(fixture->queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        vd_op_progress(shares[i].done, shares[i].total, fixture->queue->op_entries->op);
        done = next_of(fixture->queue);
        check_progress(&done, shares[i].value);
    }
    go_on();
    done = next_of(fixture->queue);
    check_final(&done);
}

static void progress_needs_no_room(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_queue_options options;
    struct vdisk_completion done[3];
    struct vdisk_queue *queue;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    report(1, 2);
    start(queue, new_op(&reporting, fixture->disk), VDISK_AIO_PROGRESS);
    go_on();
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    assert_int_equal(vdisk_queue_reap(queue, done, 1), 1);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    assert_int_equal(vdisk_queue_reap(queue, done, 1), 1);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRIPT_TEST(progress_comes_on_request_only),
        SCRIPT_TEST(only_kinds_that_have_progress_take_the_flag),
        SCRIPT_TEST(progress_comes_before_the_end),
        SCRIPT_TEST(what_is_not_reaped_adds_up),
        SCRIPT_TEST(it_also_does_with_an_entry_that_was_taken),
        SCRIPT_TEST(progress_is_told_as_a_share),
        SCRIPT_TEST(progress_needs_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
