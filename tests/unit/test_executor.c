/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The executor: lanes, what may be freed when, and threads. */
#include "executor_steps.h"

#include <signal.h>
#include <stdlib.h>

/* Lanes. */

static void jobs_of_a_lane_run_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < JOBS; i++)
        post(&lanes[0], &steps[i]);
    wait_until(atomic_load(&finished) == JOBS);
    for (size_t i = 0; i < JOBS; i++)
        assert_int_equal(steps[i].place, i + 1);
}

static void jobs_of_a_lane_run_one_at_a_time(void **state)
{
    (void)state;
    occupy(&lanes[0], &steps[0]);
    post(&lanes[0], &steps[1]);
    allow_time_for(has_run(&steps[1]));
    assert_false(has_run(&steps[1]));
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 2);
    assert_int_equal(most_running, 1);
}

static void lanes_run_side_by_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        occupy(&lanes[i], &steps[i]);
    for (size_t i = 0; i < 4; i++)
        let_go(&steps[i]);
    wait_until(atomic_load(&finished) == 4);
    assert_int_equal(most_running, 4);
}

static void no_more_threads_than_the_bound_are_started(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        occupy(&lanes[i], &steps[i]);
    post(&lanes[4], &steps[4]);
    post(&lanes[5], &steps[5]);
    allow_time_for(has_run(&steps[4]));
    assert_false(has_run(&steps[4]));
    assert_int_equal(threads(), 4);
    let_go(&steps[2]);
    wait_until(has_run(&steps[4]) && has_run(&steps[5]));
    for (size_t i = 0; i < 4; i++)
        let_go(&steps[i]);
    wait_until(atomic_load(&finished) == 6);
    assert_int_equal(most_running, 4);
}

static void a_lane_goes_behind_the_others_after_each_job(void **state)
{
    static const unsigned int places[] = {1, 2, 4, 3, 5};

    (void)state;
    occupy(&lanes[0], &steps[0]);
    post(&lanes[1], &steps[1]);
    post(&lanes[1], &steps[2]);
    post(&lanes[2], &steps[3]);
    post(&lanes[1], &steps[4]);
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(steps[i].place, places[i]);
}

static void a_lane_does_not_wait_for_finish(void **state)
{
    (void)state;
    steps[0].in_finish.stops = true;
    post(&lanes[0], &steps[0]);
    wait_until(is_reached(&steps[0].in_finish));
    post(&lanes[0], &steps[1]);
    wait_until(atomic_load(&steps[1].finished) == 1);
    assert_int_equal(steps[0].finished, 0);
    open_checkpoint(&steps[0].in_finish);
    wait_until(atomic_load(&finished) == 2);
}

static void post_the_next(struct vd_job *job)
{
    struct step *step = VD_CONTAINER_OF(job, struct step, job);

    run_step(job);
    vd_lane_post(&lanes[0], &step[1].job);
    vd_lane_post(&lanes[1], &step[2].job);
}

static void a_job_may_post_to_its_own_lane_and_to_others(void **state)
{
    (void)state;
    steps[0].job.run = post_the_next;
    post(&lanes[0], &steps[0]);
    wait_until(atomic_load(&finished) == 3);
    assert_int_equal(steps[0].place, 1);
}

/* Memory. */

/* A job with a lane of its own. */
struct loner {
    struct vd_job job;
    struct vd_lane lane;
};

static void run_nothing(struct vd_job *job)
{
    (void)job;
    atomic_fetch_add(&ran, 1);
}

static void free_owner(void *owner)
{
    free(owner);
    atomic_fetch_add(&finished, 1);
}

static void finish_may_free_job_and_lane(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        struct loner *loner = calloc(1, sizeof *loner);

        assert_non_null(loner);
        loner->job = (struct vd_job){.run = run_nothing, .finish = free_owner, .owner = loner};
        vd_lane_init(&loner->lane, executor);
        assert_int_equal(vd_lane_post(&loner->lane, &loner->job), 0);
    }
    wait_until(atomic_load(&finished) == 100);
}

static void free_job(struct vd_job *job)
{
    free(job);
    atomic_fetch_add(&ran, 1);
}

static void count_finished(void *owner)
{
    atomic_fetch_add((atomic_uint *)owner, 1);
}

static void run_may_free_the_job(void **state)
{
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        struct vd_job *job = calloc(1, sizeof *job);

        assert_non_null(job);
        *job = (struct vd_job){.run = free_job, .finish = count_finished, .owner = &finished};
        assert_int_equal(vd_lane_post(&lanes[0], job), 0);
    }
    wait_until(atomic_load(&finished) == 100);
    assert_int_equal(ran, 100);
}

static void put_executor(void *owner)
{
    vd_executor_put(owner);
    atomic_fetch_add(&finished, 1);
}

static void a_job_may_drop_the_last_reference(void **state)
{
    struct vd_executor *other = vd_executor_new(1);
    static struct vd_lane lane;

    (void)state;
    assert_non_null(other);
    vd_lane_init(&lane, other);
    steps[0].job = (struct vd_job){.run = run_nothing, .finish = put_executor, .owner = other};
    post(&lane, &steps[0]);
    wait_until(atomic_load(&finished) == 1);
}

static void what_was_posted_runs_although_the_owner_is_gone(void **state)
{
    struct vd_executor *other = vd_executor_new(1);
    static struct vd_lane lane;

    (void)state;
    assert_non_null(other);
    vd_lane_init(&lane, other);
    occupy(&lane, &steps[0]);
    post(&lane, &steps[1]);
    vd_executor_put(other);
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 2);
}

static void every_reference_keeps_it(void **state)
{
    struct vd_executor *other = vd_executor_new(1);
    static struct vd_lane lane;

    (void)state;
    assert_non_null(other);
    assert_ptr_equal(vd_executor_get(other), other);
    vd_executor_put(other);
    vd_lane_init(&lane, other);
    post(&lane, &steps[0]);
    wait_until(atomic_load(&finished) == 1);
    vd_executor_put(other);
    vd_executor_put(NULL);
}

static void there_is_none_without_memory(void **state)
{
    (void)state;
    wrap_fail_nth(1);
    assert_null(vd_executor_new(1));
    assert_true(wrap_disarm());
}

/* Threads. */

static void without_any_thread_a_job_is_refused(void **state)
{
    (void)state;
    wrap_fail_call("pthread_create", 1);
    assert_int_equal(vd_lane_post(&lanes[0], &steps[0].job), -EAGAIN);
    assert_true(wrap_disarm());
    assert_int_equal(threads(), 0);
    assert_false(vd_executor_take_back(executor, &steps[0].job));
    post(&lanes[0], &steps[1]);
    post(&lanes[0], &steps[0]);
    wait_until(atomic_load(&finished) == 2);
    assert_int_equal(steps[1].place, 1);
}

static void with_a_thread_there_no_other_is_needed(void **state)
{
    (void)state;
    occupy(&lanes[0], &steps[0]);
    wrap_fail_call("pthread_create", 1);
    post(&lanes[1], &steps[1]);
    assert_true(wrap_disarm());
    assert_int_equal(threads(), 1);
    assert_false(has_run(&steps[1]));
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 2);
}

static void threads_end_when_there_is_nothing_to_do_and_come_back(void **state)
{
    (void)state;
    for (size_t round = 0; round < 3; round++) {
        occupy(&lanes[0], &steps[2 * round]);
        occupy(&lanes[1], &steps[2 * round + 1]);
        assert_int_equal(threads(), 2);
        let_go(&steps[2 * round]);
        let_go(&steps[2 * round + 1]);
        wait_until(threads() == 0);
    }
    assert_int_equal(finished, 6);
}

static atomic_bool signals_blocked;

static void look_at_signals(struct vd_job *job)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_store(&signals_blocked, sigismember(&mask, SIGINT) && sigismember(&mask, SIGALRM));
    run_step(job);
}

static void threads_take_no_signals(void **state)
{
    sigset_t mask;

    (void)state;
    steps[0].job.run = look_at_signals;
    post(&lanes[0], &steps[0]);
    wait_until(atomic_load(&finished) == 1);
    assert_true(signals_blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGINT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jobs_of_a_lane_run_in_their_order),
        TEST(jobs_of_a_lane_run_one_at_a_time),
        TEST(lanes_run_side_by_side),
        TEST(no_more_threads_than_the_bound_are_started),
        ONE_THREAD(a_lane_goes_behind_the_others_after_each_job),
        TEST(a_lane_does_not_wait_for_finish),
        TEST(a_job_may_post_to_its_own_lane_and_to_others),
        TEST(finish_may_free_job_and_lane),
        TEST(run_may_free_the_job),
        TEST(a_job_may_drop_the_last_reference),
        TEST(what_was_posted_runs_although_the_owner_is_gone),
        TEST(every_reference_keeps_it),
        TEST(there_is_none_without_memory),
        TEST(without_any_thread_a_job_is_refused),
        TEST(with_a_thread_there_no_other_is_needed),
        TEST(threads_end_when_there_is_nothing_to_do_and_come_back),
        TEST(threads_take_no_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
