/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Alarms. That there is no thread is seen by counting those of the process, of which the tests start none but where it
 * says so. Times are either long past, or so far off that they do not come.
 */
#include "disk_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/container.h"
#include "thread/alarm.h"
#include "wrap.h"

#define MS INT64_C(1000000)
#define FAR_OFF (INT64_C(3600) * 1000 * MS)

static unsigned int count_threads(void)
{
    DIR *threads = opendir("/proc/self/task");
    unsigned int count = 0;
    const struct dirent *entry;

    assert_non_null(threads);
    while ((entry = readdir(threads)))
        count += entry->d_name[0] != '.';
    closedir(threads);
    return count;
}

static unsigned int other_threads;

static int do_nothing(void *argument)
{
    (void)argument;
    return 0;
}

/* A sanitizer has one, from the first time on that there is another. */
static int count_others(void **state)
{
    static struct background first;

    (void)state;
    start_background(&first, do_nothing, NULL);
    end_background(&first);
    other_threads = count_threads();
    /* One that has ended can be listed for a while. */
    for (int naps = 0; naps < 20; naps++) {
        unsigned int count = count_threads();

        if (count < other_threads)
            other_threads = count;
        nap();
    }
    return 0;
}

struct clocked {
    struct vd_alarm alarm;
    atomic_uint rings;
    int64_t rang_at;
};

static void note_ring(struct vd_alarm *alarm)
{
    struct clocked *clocked = VD_CONTAINER_OF(alarm, struct clocked, alarm);

    clocked->rang_at = vd_now();
    atomic_fetch_add(&clocked->rings, 1);
}

static void init(struct clocked *clocked)
{
    atomic_init(&clocked->rings, 0);
    assert_int_equal(vd_alarm_init(&clocked->alarm, note_ring), 0);
}

static unsigned int rings_of(struct clocked *clocked)
{
    return atomic_load(&clocked->rings);
}

static void it_rings_once_and_not_before_its_time(void **state)
{
    static struct clocked clocked;
    int64_t time;

    (void)state;
    init(&clocked);
    time = vd_now() + 20 * MS;
    assert_int_equal(vd_alarm_set(&clocked.alarm, time), 0);
    wait_until(rings_of(&clocked) > 0);
    assert_true(clocked.rang_at >= time);
    allow_time_for(rings_of(&clocked) > 1);
    assert_int_equal(rings_of(&clocked), 1);
    vd_alarm_destroy(&clocked.alarm);
}

static void one_whose_time_is_past_rings_at_once(void **state)
{
    static struct clocked clocked;

    (void)state;
    init(&clocked);
    assert_int_equal(vd_alarm_set(&clocked.alarm, 0), 0);
    wait_until(rings_of(&clocked) == 1);
    /* It can be set again. */
    assert_int_equal(vd_alarm_set(&clocked.alarm, vd_now()), 0);
    wait_until(rings_of(&clocked) == 2);
    vd_alarm_destroy(&clocked.alarm);
}

static void setting_it_anew_takes_the_old_time_back(void **state)
{
    static struct clocked clocked;

    (void)state;
    init(&clocked);
    assert_int_equal(vd_alarm_set(&clocked.alarm, vd_now() + 5 * MS), 0);
    assert_int_equal(vd_alarm_set(&clocked.alarm, vd_now() + FAR_OFF), 0);
    /* It can have rung before. */
    unsigned int before = rings_of(&clocked);
    allow_time_for(rings_of(&clocked) > before);
    assert_int_equal(rings_of(&clocked), before);
    /* An earlier one does not have to wait for the thread to wake up by itself. */
    assert_int_equal(vd_alarm_set(&clocked.alarm, vd_now()), 0);
    wait_until(rings_of(&clocked) == before + 1);
    vd_alarm_destroy(&clocked.alarm);
}

static void there_is_a_thread_only_while_one_is_set(void **state)
{
    static struct clocked one, other;

    (void)state;
    init(&one);
    init(&other);
    wait_until(count_threads() == other_threads);
    assert_int_equal(vd_alarm_set(&one.alarm, vd_now() + FAR_OFF), 0);
    assert_int_equal(vd_alarm_set(&other.alarm, vd_now()), 0);
    assert_int_equal(count_threads(), other_threads + 1);
    wait_until(rings_of(&other) == 1);
    assert_int_equal(count_threads(), other_threads + 1);
    /* Though there is one that is not set. */
    vd_alarm_destroy(&one.alarm);
    wait_until(count_threads() == other_threads);
    assert_int_equal(vd_alarm_set(&other.alarm, vd_now()), 0);
    wait_until(rings_of(&other) == 2);
    wait_until(count_threads() == other_threads);
    vd_alarm_destroy(&other.alarm);
}

static void many_share_one_thread_and_ring_in_their_order(void **state)
{
    static struct clocked clocked[300];
    int64_t start;

    (void)state;
    wait_until(count_threads() == other_threads);
    for (size_t i = 0; i < 300; i++)
        init(&clocked[i]);
    start = vd_now() + 50 * MS;
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(vd_alarm_set(&clocked[i].alarm, start + (int64_t)(i * 7 % 300)), 0);
    assert_int_equal(count_threads(), other_threads + 1);
    for (size_t i = 0; i < 300; i++)
        wait_until(rings_of(&clocked[i]) == 1);
    for (size_t i = 0; i < 300; i++)
        assert_true(clocked[i].rang_at >= start + (int64_t)(i * 7 % 300));
    for (size_t i = 0; i < 300; i++)
        vd_alarm_destroy(&clocked[i].alarm);
    wait_until(count_threads() == other_threads);
}

static void without_a_thread_it_is_not_set(void **state)
{
    static struct clocked clocked;
    int r;

    (void)state;
    wait_until(count_threads() == other_threads);
    init(&clocked);
    wrap_fail_call("pthread_create", 1);
    r = vd_alarm_set(&clocked.alarm, vd_now());
    assert_true(wrap_disarm());
    assert_int_equal(r, -EAGAIN);
    allow_time_for(rings_of(&clocked) > 0);
    assert_int_equal(rings_of(&clocked), 0);
    /* The next attempt is as good as the first. */
    assert_int_equal(vd_alarm_set(&clocked.alarm, vd_now()), 0);
    wait_until(rings_of(&clocked) == 1);
    vd_alarm_destroy(&clocked.alarm);
}

static void out_of_memory_is_told_when_it_is_made(void **state)
{
    static struct clocked clocked;
    int r;

    (void)state;
    wrap_fail_nth(1);
    r = vd_alarm_init(&clocked.alarm, note_ring);
    assert_true(wrap_disarm());
    assert_int_equal(r, -ENOMEM);
}

/* All signals are the program's own threads'. */
static atomic_int blocked_signals;

static void note_mask(struct vd_alarm *alarm)
{
    sigset_t mask;

    (void)alarm;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_store(&blocked_signals, sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGTERM) ? 1 : 2);
}

static void its_thread_takes_no_signals(void **state)
{
    static struct vd_alarm alarm;

    (void)state;
    assert_int_equal(vd_alarm_init(&alarm, note_mask), 0);
    assert_int_equal(vd_alarm_set(&alarm, 0), 0);
    wait_until(atomic_load(&blocked_signals) != 0);
    assert_int_equal(atomic_load(&blocked_signals), 1);
    vd_alarm_destroy(&alarm);
}

/* For the sanitizers: after its destruction it is not touched, however narrowly that comes. */
static int set_and_destroy(void *argument)
{
    (void)argument;
    for (int i = 0; i < 2000; i++) {
        struct clocked *clocked = calloc(1, sizeof *clocked);

        if (!clocked || vd_alarm_init(&clocked->alarm, note_ring) < 0)
            return -ENOMEM;
        if (vd_alarm_set(&clocked->alarm, vd_now() + i % 20 * MS / 100) < 0)
            return -EAGAIN;
        if (i % 3 == 0)
            vd_alarm_set(&clocked->alarm, 0);
        vd_alarm_destroy(&clocked->alarm);
        free(clocked);
    }
    return 0;
}

static void ringing_and_destroying_may_meet(void **state)
{
    static struct background others[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        start_background(&others[i], set_and_destroy, NULL);
    assert_int_equal(set_and_destroy(NULL), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(end_background(&others[i]), 0);
    wait_until(count_threads() == other_threads);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_rings_once_and_not_before_its_time),
        cmocka_unit_test(one_whose_time_is_past_rings_at_once),
        cmocka_unit_test(setting_it_anew_takes_the_old_time_back),
        cmocka_unit_test(there_is_a_thread_only_while_one_is_set),
        cmocka_unit_test(many_share_one_thread_and_ring_in_their_order),
        cmocka_unit_test(without_a_thread_it_is_not_set),
        cmocka_unit_test(out_of_memory_is_told_when_it_is_made),
        cmocka_unit_test(its_thread_takes_no_signals),
        cmocka_unit_test(ringing_and_destroying_may_meet),
    };

    return cmocka_run_group_tests(tests, count_others, NULL);
}
