/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The executor. Asserts stand on the main thread only. What jobs use is static, so that a failed assert does not pull
 * it away from under their threads.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "container.h"
#include "executor.h"
#include "wrap.h"

#define JOBS 1000

static struct vd_executor *executor;
static struct vd_lane lanes[8];

/* A job that says what becomes of it, and waits in `run` or in `finish` until it is let go. */
struct step {
    struct vd_job job;
    bool waits, finish_waits;
    sem_t begun, go, finishing, finish_go;
    /* From 1 on, among all that ran; 0: has not. */
    atomic_uint place;
    atomic_uint finished;
};

static struct step steps[JOBS];
static atomic_uint ran, finished;
/* How many run at a time, and the most there were. */
static atomic_uint running, most_running;

static void sleep_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        continue;
}

static bool comes(sem_t *semaphore)
{
    return sem_trywait(semaphore) == 0;
}

static void note_running(void)
{
    unsigned int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running);

    while (most < now && !atomic_compare_exchange_weak(&most_running, &most, now))
        continue;
}

static void run_step(struct vd_job *job)
{
    struct step *step = VD_CONTAINER_OF(job, struct step, job);

    note_running();
    atomic_store(&step->place, atomic_fetch_add(&ran, 1) + 1);
    sem_post(&step->begun);
    if (step->waits)
        sleep_on(&step->go);
    atomic_fetch_sub(&running, 1);
}

static void finish_step(void *owner)
{
    struct step *step = owner;

    sem_post(&step->finishing);
    if (step->finish_waits)
        sleep_on(&step->finish_go);
    atomic_fetch_add(&step->finished, 1);
    atomic_fetch_add(&finished, 1);
}

static void init_step(struct step *step)
{
    step->job = (struct vd_job){.run = run_step, .finish = finish_step, .owner = step};
    step->waits = step->finish_waits = false;
    atomic_init(&step->place, 0);
    atomic_init(&step->finished, 0);
    sem_init(&step->begun, 0, 0);
    sem_init(&step->go, 0, 0);
    sem_init(&step->finishing, 0, 0);
    sem_init(&step->finish_go, 0, 0);
}

static void make_executor(unsigned int limit)
{
    executor = vd_executor_new(limit);
    assert_non_null(executor);
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        vd_lane_init(&lanes[i], executor);
    for (size_t i = 0; i < JOBS; i++)
        init_step(&steps[i]);
    atomic_store(&ran, 0);
    atomic_store(&finished, 0);
    atomic_store(&running, 0);
    atomic_store(&most_running, 0);
}

static int set_up(void **state)
{
    (void)state;
    make_executor(4);
    return 0;
}

static int set_up_one_thread(void **state)
{
    (void)state;
    make_executor(1);
    return 0;
}

static unsigned int threads(void)
{
    unsigned int count;

    pthread_mutex_lock(&executor->lock);
    count = executor->threads;
    pthread_mutex_unlock(&executor->lock);
    return count;
}

/* Lets go those that a test which failed has left waiting, too. */
static int tear_down(void **state)
{
    (void)state;
    wrap_disarm();
    for (size_t i = 0; i < JOBS; i++) {
        sem_post(&steps[i].go);
        sem_post(&steps[i].finish_go);
    }
    wait_until(threads() == 0);
    vd_executor_put(executor);
    return 0;
}

static void post(struct vd_lane *lane, struct step *step)
{
    assert_int_equal(vd_lane_post(lane, &step->job), 0);
}

/* Posts one that waits, and returns when it runs. */
static void occupy(struct vd_lane *lane, struct step *step)
{
    step->waits = true;
    post(lane, step);
    wait_until(comes(&step->begun));
}

static void let_go(struct step *step)
{
    sem_post(&step->go);
}

static bool has_run(struct step *step)
{
    return atomic_load(&step->place) > 0;
}

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
    steps[0].finish_waits = true;
    post(&lanes[0], &steps[0]);
    wait_until(comes(&steps[0].finishing));
    post(&lanes[0], &steps[1]);
    wait_until(atomic_load(&steps[1].finished) == 1);
    assert_int_equal(steps[0].finished, 0);
    sem_post(&steps[0].finish_go);
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
    assert_ptr_equal(vd_executor_share(other), other);
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

/* Taking back. */

static void take_back(struct step *step)
{
    assert_true(vd_executor_take_back(executor, &step->job));
    assert_false(vd_executor_take_back(executor, &step->job));
}

/* Of steps 1 to 3 behind a running one, all but `which`, and then another one, run in their order. */
static void check_without(size_t which)
{
    unsigned int place = 1;

    occupy(&lanes[0], &steps[0]);
    for (size_t i = 1; i <= 3; i++)
        post(&lanes[0], &steps[i]);
    take_back(&steps[which]);
    post(&lanes[0], &steps[4]);
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 4);
    for (size_t i = 0; i <= 4; i++)
        assert_int_equal(steps[i].place, i == which ? 0 : place++);
}

static void the_next_job_can_be_taken_back(void **state)
{
    (void)state;
    check_without(1);
}

static void a_job_in_the_middle_can_be_taken_back(void **state)
{
    (void)state;
    check_without(2);
}

static void the_last_job_can_be_taken_back(void **state)
{
    (void)state;
    check_without(3);
}

static void a_job_taken_back_is_not_finished_either(void **state)
{
    (void)state;
    occupy(&lanes[0], &steps[0]);
    post(&lanes[0], &steps[1]);
    take_back(&steps[1]);
    let_go(&steps[0]);
    wait_until(threads() == 0);
    assert_int_equal(finished, 1);
    assert_int_equal(steps[1].finished, 0);
    post(&lanes[0], &steps[1]);
    wait_until(atomic_load(&steps[1].finished) == 1);
}

/* Of three lanes that wait for a thread, `which` loses its only job and its memory; the others run, and a fourth. */
static void check_without_lane(size_t which)
{
    struct vd_lane *lane = malloc(sizeof *lane);

    assert_non_null(lane);
    occupy(&lanes[0], &steps[0]);
    for (size_t i = 1; i <= 3; i++) {
        if (i == which)
            vd_lane_init(lane, executor);
        post(i == which ? lane : &lanes[i], &steps[i]);
    }
    take_back(&steps[which]);
    free(lane);
    post(&lanes[4], &steps[4]);
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 4);
    assert_int_equal(steps[4].place, 4);
    assert_false(has_run(&steps[which]));
}

static void a_waiting_lane_that_has_lost_its_only_job_can_be_freed(void **state)
{
    (void)state;
    check_without_lane(2);
}

static void so_can_the_first_lane_that_waits(void **state)
{
    (void)state;
    check_without_lane(1);
}

static void so_can_the_last_lane_that_waits(void **state)
{
    (void)state;
    check_without_lane(3);
}

static void a_running_job_cannot_be_taken_back(void **state)
{
    (void)state;
    occupy(&lanes[0], &steps[0]);
    assert_false(vd_executor_take_back(executor, &steps[0].job));
    let_go(&steps[0]);
    wait_until(atomic_load(&finished) == 1);
}

static void a_job_that_has_run_cannot_be_taken_back_though_its_lane_is_gone(void **state)
{
    struct vd_lane *lane = malloc(sizeof *lane);

    (void)state;
    assert_non_null(lane);
    vd_lane_init(lane, executor);
    post(lane, &steps[0]);
    wait_until(atomic_load(&finished) == 1);
    free(lane);
    assert_false(vd_executor_take_back(executor, &steps[0].job));
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

/* All of it at once: each poster has a lane of its own and takes back what it can of every third job. */

#define POSTERS 4
#define POSTS (JOBS / POSTERS)

static int post_and_take_back(void *argument)
{
    size_t poster = (size_t)((struct vd_lane *)argument - lanes);
    int taken = 0;

    for (size_t i = poster * POSTS; i < (poster + 1) * POSTS; i++) {
        if (vd_lane_post(argument, &steps[i].job) < 0)
            return -1;
        if (i % 3 == 0 && vd_executor_take_back(executor, &steps[i].job))
            taken++;
    }
    return taken;
}

static void every_job_is_run_once_or_taken_back(void **state)
{
    static struct background posters[POSTERS];
    unsigned int taken = 0, seen = 0;

    (void)state;
    for (size_t i = 0; i < POSTERS; i++)
        start_background(&posters[i], post_and_take_back, &lanes[i]);
    for (size_t i = 0; i < POSTERS; i++) {
        int r = end_background(&posters[i]);

        assert_true(r >= 0);
        taken += (unsigned int)r;
    }
    wait_until(atomic_load(&finished) == JOBS - taken);
    wait_until(threads() == 0);
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(steps[i].finished <= 1);
        seen += steps[i].finished;
    }
    assert_int_equal(seen + taken, JOBS);
    assert_int_equal(ran, seen);
    assert_true(most_running <= 4);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define ONE_THREAD(function) cmocka_unit_test_setup_teardown(function, set_up_one_thread, tear_down)

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
        TEST(the_next_job_can_be_taken_back),
        TEST(a_job_in_the_middle_can_be_taken_back),
        TEST(the_last_job_can_be_taken_back),
        TEST(a_job_taken_back_is_not_finished_either),
        ONE_THREAD(a_waiting_lane_that_has_lost_its_only_job_can_be_freed),
        ONE_THREAD(so_can_the_first_lane_that_waits),
        ONE_THREAD(so_can_the_last_lane_that_waits),
        TEST(a_running_job_cannot_be_taken_back),
        TEST(a_job_that_has_run_cannot_be_taken_back_though_its_lane_is_gone),
        TEST(without_any_thread_a_job_is_refused),
        TEST(with_a_thread_there_no_other_is_needed),
        TEST(threads_end_when_there_is_nothing_to_do_and_come_back),
        TEST(threads_take_no_signals),
        TEST(every_job_is_run_once_or_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
