/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a queue keeps of a control operation: its sentence, and its end, whatever becomes of queue and disk. */
#include "blocked_snapshot_helpers.h"

#include <errno.h>

#include "completion_helpers.h"

/* Sentences. */

static void each_failure_has_its_own_sentence(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[4], copy;
    struct vdisk_error err;

    for (int i = 0; i < 4; i++) {
        char name[] = {(char)('a' + i), '\0'};

        assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, fixture->disk, name, 0, NULL, NULL), 0);
    }
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 4, 4, 30000), 4);
    for (int i = 3; i >= 0; i--) {
        char quoted[] = {'"', (char)('a' + i), '"', '\0'};

        copy = done[i];
        assert_int_equal(vdisk_queue_error(fixture->queue, &copy, &err), -ENOENT);
        assert_says(&err, -ENOENT, quoted);
    }
}

static void a_sentence_lasts_until_the_next_reap(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done, other;
    struct vdisk_error err;

    assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, fixture->disk, "absent", 0, NULL, NULL), 0);
    done = next_of(fixture->queue);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ENOENT);
        assert_says(&err, -ENOENT, "absent");
    }
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, NULL), -ENOENT);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ENOENT);
    assert_says(&err, -ENOENT, "absent");
    assert_int_equal(vdisk_queue_reap(fixture->queue, &other, 1), 0);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ENOENT);
    assert_says(&err, -ENOENT, "request failed");
}

static void success_has_no_sentence(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    assert_int_equal(create_snapshot(fixture, "s", NULL), 0);
    done = next_of(fixture->queue);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
}

static void sentences_of_one_queue_are_not_anothers(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    struct vdisk_error err;

    assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, fixture->disk, "absent", 0, NULL, NULL), 0);
    done = next_of(fixture->queue);
    assert_int_equal(vdisk_queue_error(fixture->other_queue, &done, &err), -ENOENT);
    assert_says(&err, -ENOENT, "request failed");
    assert_int_equal(vdisk_queue_error(NULL, &done, &err), -EINVAL);
    assert_int_equal(vdisk_queue_error(fixture->queue, NULL, &err), -EINVAL);
}

/* Queues and disks that end. */

static void a_queue_with_an_operation_is_not_destroyed(void **state)
{
    const struct fixture *fixture = *state;

    start_blocked(fixture, "s");
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    unblock();
    wait_until(fd_is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void a_queue_is_destroyed_with_sentences_left(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, fixture->disk, "absent", 0, NULL, NULL), 0);
    assert_int_equal(reap_one(fixture->queue), -ENOENT);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    fixture->queue = NULL;
}

static int drain(void *queue)
{
    return vdisk_queue_drain(queue);
}

static void draining_waits_and_leaves_the_completions(void **state)
{
    const struct fixture *fixture = *state;
    static struct background draining;
    struct vdisk_completion done[3];

    start_blocked(fixture, "s");
    assert_int_equal(create_snapshot(fixture, "t", NULL), 0);
    start_background(&draining, drain, fixture->queue);
    allow_time_for(is_over(&draining));
    assert_false(is_over(&draining));
    unblock();
    assert_int_equal(end_background(&draining), 0);
    assert_true(fd_is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 3), 2);
}

static void waiting_waits_for_as_many_as_can_still_complete(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[8];

    for (size_t i = 0; i < 3; i++) {
        char name[] = {(char)('a' + i), '\0'};

        assert_int_equal(create_snapshot(fixture, name, NULL), 0);
    }
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 2, 2, 30000), 2);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 8, 8, -1), 1);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 8, 8, -1), 0);
}

static void waiting_gives_up_in_time(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start_blocked(fixture, "s");
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 1), 0);
    unblock();
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void closing_waits_for_what_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[3];
    struct vdisk_error err;
    struct closing closing;

    start_blocked(fixture, "s");
    assert_int_equal(vdisk_aio_snapshot_protect(fixture->queue, fixture->disk, "s", 0, NULL, NULL), 0);
    assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, fixture->disk, "absent", 0, NULL, NULL), 0);
    start_closing(&closing, fixture->disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    unblock();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    /* Neither the completions nor their sentences need the disk. */
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 3), 3);
    assert_int_equal(done[0].result, 0);
    assert_int_equal(done[1].result, 0);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done[2], &err), -ENOENT);
    assert_says(&err, -ENOENT, "absent");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_disk, tear_down_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_failure_has_its_own_sentence),
        TEST(a_sentence_lasts_until_the_next_reap),
        TEST(success_has_no_sentence),
        TEST(sentences_of_one_queue_are_not_anothers),
        TEST(a_queue_with_an_operation_is_not_destroyed),
        TEST(a_queue_is_destroyed_with_sentences_left),
        TEST(draining_waits_and_leaves_the_completions),
        TEST(waiting_waits_for_as_many_as_can_still_complete),
        TEST(waiting_gives_up_in_time),
        TEST(closing_waits_for_what_is_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
