/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the executor share. Asserts stand on the main thread only. What jobs use is static, so that a
 * failed assert does not pull it away from under their threads.
 */
#ifndef EXECUTOR_STEPS_H
#define EXECUTOR_STEPS_H

#include "disk_fixture.h"

#include <errno.h>

#include "base/container.h"
#include "thread/executor.h"
#include "thread_helpers.h"
#include "wrap.h"

#define JOBS 1000

static struct vd_executor *executor;
static struct vd_lane lanes[8];

/* A job that says what becomes of it, and can be stopped in `run` and in `finish`. */
struct step {
    struct vd_job job;
    struct checkpoint in_run, in_finish;
    /* From 1 on, among all that ran; 0: has not. */
    atomic_uint place;
    atomic_uint finished;
};

static struct step steps[JOBS];
static atomic_uint ran, finished;
/* How many run at a time, and the most there were. */
static atomic_uint running, most_running;

static inline void note_running(void)
{
    unsigned int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running);

    while (most < now && !atomic_compare_exchange_weak(&most_running, &most, now))
        continue;
}

static inline void run_step(struct vd_job *job)
{
    struct step *step = VD_CONTAINER_OF(job, struct step, job);

    note_running();
    atomic_store(&step->place, atomic_fetch_add(&ran, 1) + 1);
    pass_checkpoint(&step->in_run);
    atomic_fetch_sub(&running, 1);
}

static inline void finish_step(void *owner)
{
    struct step *step = owner;

    pass_checkpoint(&step->in_finish);
    atomic_fetch_add(&step->finished, 1);
    atomic_fetch_add(&finished, 1);
}

static inline void init_step(struct step *step)
{
    step->job = (struct vd_job){.run = run_step, .finish = finish_step, .owner = step};
    atomic_init(&step->place, 0);
    atomic_init(&step->finished, 0);
    init_checkpoint(&step->in_run, false);
    init_checkpoint(&step->in_finish, false);
}

static inline void make_executor(unsigned int limit)
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

static inline int set_up(void **state)
{
    (void)state;
    make_executor(4);
    return 0;
}

static inline int set_up_one_thread(void **state)
{
    (void)state;
    make_executor(1);
    return 0;
}

static inline unsigned int threads(void)
{
    unsigned int count;

    pthread_mutex_lock(&executor->lock);
    count = executor->threads;
    pthread_mutex_unlock(&executor->lock);
    return count;
}

/* Lets go those that a test which failed has left waiting, too. */
static inline int tear_down(void **state)
{
    (void)state;
    wrap_disarm();
    for (size_t i = 0; i < JOBS; i++) {
        open_checkpoint(&steps[i].in_run);
        open_checkpoint(&steps[i].in_finish);
    }
    wait_until(threads() == 0);
    vd_executor_put(executor);
    return 0;
}

static inline void post(struct vd_lane *lane, struct step *step)
{
    assert_int_equal(vd_lane_post(lane, &step->job), 0);
}

/* Posts one that waits, and returns when it runs. */
static inline void occupy(struct vd_lane *lane, struct step *step)
{
    step->in_run.stops = true;
    post(lane, step);
    wait_until(is_reached(&step->in_run));
}

static inline void let_go(struct step *step)
{
    open_checkpoint(&step->in_run);
}

static inline bool has_run(struct step *step)
{
    return atomic_load(&step->place) > 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define ONE_THREAD(function) cmocka_unit_test_setup_teardown(function, set_up_one_thread, tear_down)

#endif
