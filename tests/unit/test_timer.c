/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Timers of the worker: when they run, and that a timer which was stopped does not. */
#include "worker_helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

#define NS_PER_MS INT64_C(1000000)

static void a_timer_runs_again_and_again_no_sooner_than_its_period(void **state)
{
    static struct counted counted;
    int64_t start = vd_now();

    (void)state;
    start_counted(&counted, 5, 4);
    sleep_on(&counted.told);
    stop_counted(&counted);
    assert_true(counted.runs >= 4);
    assert_true(counted.first - start >= 5 * NS_PER_MS);
    assert_true(counted.last - counted.first >= 15 * NS_PER_MS);
}

static void a_timer_does_not_run_after_it_was_stopped(void **state)
{
    static struct counted other;
    struct counted *counted = malloc(sizeof *counted);
    unsigned int runs;

    (void)state;
    assert_non_null(counted);
    start_counted(counted, 1, 1);
    sleep_on(&counted->told);
    stop_counted(counted);
    runs = counted->runs;
    /* Another one with the same period shows that there was time to run. */
    start_counted(&other, 1, 5);
    sleep_on(&other.told);
    stop_counted(&other);
    assert_int_equal(counted->runs, runs);
    free(counted);
}

static void any_of_several_timers_can_be_stopped(void **state)
{
    static struct counted counted[3];

    (void)state;
    /* The first, one in the midst and the last of those that are there; the others go on. */
    for (size_t stopped = 0; stopped < 3; stopped++) {
        for (size_t i = 0; i < 3; i++)
            start_counted(&counted[i], 1, 1000000);
        stop_counted(&counted[stopped]);
        for (size_t i = 0; i < 3; i++) {
            static struct counted probe;
            unsigned int runs;

            if (i == stopped)
                continue;
            block_worker();
            runs = counted[i].runs;
            unblock_worker();
            start_counted(&probe, 5, 2);
            sleep_on(&probe.told);
            stop_counted(&probe);
            block_worker();
            assert_true(counted[i].runs > runs);
            unblock_worker();
        }
        for (size_t i = 0; i < 3; i++) {
            if (i != stopped)
                stop_counted(&counted[i]);
        }
    }
}

static void a_stopped_timer_can_be_started_again(void **state)
{
    static struct counted counted;

    (void)state;
    for (int i = 0; i < 3; i++) {
        start_counted(&counted, 1, 2);
        sleep_on(&counted.told);
        stop_counted(&counted);
    }
}

static void a_slow_timer_does_not_hold_up_a_fast_one(void **state)
{
    static struct counted slow, fast;

    (void)state;
    start_counted(&slow, UINT32_MAX, 1);
    start_counted(&fast, 1, 5);
    sleep_on(&fast.told);
    stop_counted(&fast);
    stop_counted(&slow);
    assert_int_equal(slow.runs, 0);
    /* In the other order too. */
    start_counted(&fast, 1, 5);
    start_counted(&slow, UINT32_MAX, 1);
    sleep_on(&fast.told);
    stop_counted(&slow);
    stop_counted(&fast);
    assert_int_equal(slow.runs, 0);
}

static void a_timer_with_a_long_period_does_not_hold_up_work(void **state)
{
    static struct counted slow;
    static struct noted noted[100];

    (void)state;
    start_counted(&slow, UINT32_MAX, 1);
    post_noted(noted, 100);
    vd_worker_flush(&worker);
    check_places(noted, 100);
    stop_counted(&slow);
}

static void a_timer_that_is_always_due_does_not_hold_up_work(void **state)
{
    static struct counted busy;
    static struct noted noted[100];

    (void)state;
    start_counted(&busy, 0, 1);
    sleep_on(&busy.told);
    post_noted(noted, 100);
    vd_worker_flush(&worker);
    check_places(noted, 100);
    stop_counted(&busy);
}

static struct checkpoint in_timer;
static bool timer_returned;

static void stop_in_timer(struct vd_timer *timer)
{
    pass_checkpoint(&in_timer);
    timer->period_ms = UINT32_MAX;
    timer_returned = true;
}

static void stopping_waits_for_a_timer_that_is_running(void **state)
{
    static struct vd_timer timer;
    static struct latecomer opener;

    (void)state;
    timer_returned = false;
    timer = (struct vd_timer){.period_ms = 1, .run = stop_in_timer};
    init_checkpoint(&in_timer, true);
    vd_worker_start_timer(&worker, &timer);
    await_checkpoint(&in_timer);
    start_late_opening(&opener, &in_timer);
    vd_worker_stop_timer(&worker, &timer);
    assert_true(timer_returned);
    end_latecomer(&opener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_WORKER(a_timer_runs_again_and_again_no_sooner_than_its_period),
        WITH_A_WORKER(a_timer_does_not_run_after_it_was_stopped),
        WITH_A_WORKER(any_of_several_timers_can_be_stopped),
        WITH_A_WORKER(a_stopped_timer_can_be_started_again),
        WITH_A_WORKER(a_slow_timer_does_not_hold_up_a_fast_one),
        WITH_A_WORKER(a_timer_with_a_long_period_does_not_hold_up_work),
        WITH_A_WORKER(a_timer_that_is_always_due_does_not_hold_up_work),
        WITH_A_WORKER(stopping_waits_for_a_timer_that_is_running),
    };

    start_watchdog();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
