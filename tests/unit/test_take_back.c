/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking jobs back from the executor. */
#include "executor_steps.h"

#include <stdlib.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_next_job_can_be_taken_back),
        TEST(a_job_in_the_middle_can_be_taken_back),
        TEST(the_last_job_can_be_taken_back),
        TEST(a_job_taken_back_is_not_finished_either),
        ONE_THREAD(a_waiting_lane_that_has_lost_its_only_job_can_be_freed),
        ONE_THREAD(so_can_the_first_lane_that_waits),
        ONE_THREAD(so_can_the_last_lane_that_waits),
        TEST(a_running_job_cannot_be_taken_back),
        TEST(a_job_that_has_run_cannot_be_taken_back_though_its_lane_is_gone),
        TEST(every_job_is_run_once_or_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
