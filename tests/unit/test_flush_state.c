/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/flush_state.h"

static void write_some(struct vd_flush_state *writes, int count)
{
    for (int i = 0; i < count; i++)
        vd_flush_state_write_done(writes);
}

/* A flush with nothing between its start and its end. */
static int flush(struct vd_flush_state *writes, int result)
{
    return vd_flush_state_flushed(writes, vd_flush_state_mark(writes), result);
}

/* What is unflushed. */

static void nothing_written_is_nothing_unflushed(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    assert_false(vd_flush_state_unflushed(&writes));
    assert_int_equal(flush(&writes, 0), 0);
    assert_false(vd_flush_state_unflushed(&writes));
}

static void a_write_is_unflushed_until_a_good_flush(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    write_some(&writes, 3);
    assert_true(vd_flush_state_unflushed(&writes));
    assert_int_equal(flush(&writes, 0), 0);
    assert_false(vd_flush_state_unflushed(&writes));
    write_some(&writes, 1);
    assert_true(vd_flush_state_unflushed(&writes));
}

static void a_flush_covers_only_what_completed_before_its_mark(void **state)
{
    struct vd_flush_state writes = {0};
    uint64_t mark;

    (void)state;
    write_some(&writes, 2);
    mark = vd_flush_state_mark(&writes);
    write_some(&writes, 1);
    assert_int_equal(vd_flush_state_flushed(&writes, mark, 0), 0);
    assert_true(vd_flush_state_unflushed(&writes));
    assert_int_equal(flush(&writes, 0), 0);
    assert_false(vd_flush_state_unflushed(&writes));
}

static void an_older_flush_that_ends_last_takes_nothing_back(void **state)
{
    struct vd_flush_state writes = {0};
    uint64_t older, newer;

    (void)state;
    write_some(&writes, 1);
    older = vd_flush_state_mark(&writes);
    write_some(&writes, 1);
    newer = vd_flush_state_mark(&writes);
    assert_int_equal(vd_flush_state_flushed(&writes, newer, 0), 0);
    assert_false(vd_flush_state_unflushed(&writes));
    assert_int_equal(vd_flush_state_flushed(&writes, older, 0), 0);
    assert_false(vd_flush_state_unflushed(&writes));
}

static void a_failed_flush_covers_nothing(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    write_some(&writes, 1);
    assert_int_equal(flush(&writes, -EIO), -EIO);
    assert_true(vd_flush_state_unflushed(&writes));
    vd_flush_state_acknowledge(&writes);
    assert_true(vd_flush_state_unflushed(&writes));
}

/* What may be lost. */

static void there_is_no_error_at_first(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    write_some(&writes, 1);
    assert_int_equal(vd_flush_state_error(&writes), 0);
    assert_int_equal(flush(&writes, 0), 0);
    assert_int_equal(vd_flush_state_error(&writes), 0);
}

static void an_error_stays_until_it_is_acknowledged(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    assert_int_equal(flush(&writes, -EIO), -EIO);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vd_flush_state_error(&writes), -EIO);
        write_some(&writes, 1);
        assert_int_equal(flush(&writes, 0), -EIO);
    }
    vd_flush_state_acknowledge(&writes);
    assert_int_equal(vd_flush_state_error(&writes), 0);
    assert_int_equal(flush(&writes, 0), 0);
}

static void the_first_error_is_the_one_that_is_told(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    assert_int_equal(flush(&writes, -EIO), -EIO);
    assert_int_equal(flush(&writes, -ENOSPC), -EIO);
    assert_int_equal(vd_flush_state_error(&writes), -EIO);
}

static void an_error_after_the_acknowledging_is_a_new_one(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    assert_int_equal(flush(&writes, -EIO), -EIO);
    vd_flush_state_acknowledge(&writes);
    assert_int_equal(flush(&writes, -ENOSPC), -ENOSPC);
    assert_int_equal(vd_flush_state_error(&writes), -ENOSPC);
}

static void a_flush_in_flight_while_another_fails_fails_too(void **state)
{
    struct vd_flush_state writes = {0};
    uint64_t first, second;

    (void)state;
    write_some(&writes, 1);
    first = vd_flush_state_mark(&writes);
    second = vd_flush_state_mark(&writes);
    assert_int_equal(vd_flush_state_flushed(&writes, first, -EIO), -EIO);
    assert_int_equal(vd_flush_state_flushed(&writes, second, 0), -EIO);
}

static void acknowledging_nothing_changes_nothing(void **state)
{
    struct vd_flush_state writes = {0};

    (void)state;
    write_some(&writes, 1);
    vd_flush_state_acknowledge(&writes);
    assert_int_equal(vd_flush_state_error(&writes), 0);
    assert_true(vd_flush_state_unflushed(&writes));
}

/* Many threads. */

#define THREADS 4
#define WRITES 50000

static struct vd_flush_state shared;
/* The data of the writes, one for each thread. */
static uint64_t data[THREADS];

/* So that they run at the same time and not one after the other. */
static pthread_barrier_t all_there;

static void *write_and_flush(void *arg)
{
    uintptr_t id = (uintptr_t)arg;

    pthread_barrier_wait(&all_there);
    for (uint64_t i = 1; i <= WRITES; i++) {
        data[id] = i;
        vd_flush_state_write_done(&shared);
        if (i % 7 == 0)
            flush(&shared, 0);
    }
    flush(&shared, 0);
    return NULL;
}

static void start_threads(pthread_t *threads, void *(*run)(void *))
{
    for (uintptr_t id = 0; id < THREADS; id++)
        assert_int_equal(pthread_create(&threads[id], NULL, run, (void *)id), 0);
}

static void join_threads(const pthread_t *threads)
{
    for (size_t id = 0; id < THREADS; id++)
        pthread_join(threads[id], NULL);
}

static void no_write_and_no_flush_is_lost_among_threads(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    shared = (struct vd_flush_state){0};
    pthread_barrier_init(&all_there, NULL, THREADS);
    start_threads(threads, write_and_flush);
    join_threads(threads);
    pthread_barrier_destroy(&all_there);
    assert_int_equal(vd_flush_state_mark(&shared), THREADS * WRITES);
    assert_false(vd_flush_state_unflushed(&shared));
}

#define RACES 20000

/* How many races have been started, and how many the other thread has run. */
static atomic_int started, finished;

/* Without sleep, so that the two meet; with a yield, for a single processor. */
static void wait_until(atomic_int *counter, int value)
{
    for (unsigned int turn = 1; atomic_load(counter) < value; turn++) {
        if (turn % 1024 == 0)
            sched_yield();
    }
}

static void *flush_older(void *arg)
{
    (void)arg;
    for (int race = 1; race <= RACES; race++) {
        wait_until(&started, race);
        vd_flush_state_flushed(&shared, 1, 0);
        atomic_store(&finished, race);
    }
    return NULL;
}

static void of_flushes_that_end_at_the_same_time_the_newest_counts(void **state)
{
    pthread_t thread;

    (void)state;
    atomic_store(&started, 0);
    atomic_store(&finished, 0);
    assert_int_equal(pthread_create(&thread, NULL, flush_older, NULL), 0);
    for (int race = 1; race <= RACES; race++) {
        shared = (struct vd_flush_state){.done = 2};
        atomic_store(&started, race);
        vd_flush_state_flushed(&shared, 2, 0);
        wait_until(&finished, race);
        assert_false(vd_flush_state_unflushed(&shared));
    }
    pthread_join(thread, NULL);
}

static void *write_once(void *arg)
{
    uintptr_t id = (uintptr_t)arg;

    data[id] = 1;
    vd_flush_state_write_done(&shared);
    return NULL;
}

/* The data is plain, so that ThreadSanitizer tells whether the mark orders it before the flush. */
static void a_mark_comes_after_the_writes_that_it_counts(void **state)
{
    pthread_t threads[THREADS];
    uint64_t sum = 0;

    (void)state;
    for (int round = 0; round < 200; round++) {
        shared = (struct vd_flush_state){0};
        for (size_t id = 0; id < THREADS; id++)
            data[id] = 0;
        start_threads(threads, write_once);
        while (vd_flush_state_mark(&shared) < THREADS)
            sched_yield();
        for (size_t id = 0; id < THREADS; id++)
            sum += data[id];
        join_threads(threads);
    }
    assert_int_equal(sum, 200 * THREADS);
}

static void *fail_once(void *arg)
{
    uintptr_t id = (uintptr_t)arg;

    vd_flush_state_write_done(&shared);
    data[id] = (uint64_t)-flush(&shared, -(int)(id + 1));
    return NULL;
}

static void of_errors_at_the_same_time_all_flushes_tell_one(void **state)
{
    pthread_t threads[THREADS];

    (void)state;
    for (int round = 0; round < 200; round++) {
        shared = (struct vd_flush_state){0};
        start_threads(threads, fail_once);
        join_threads(threads);
        assert_in_range(-vd_flush_state_error(&shared), 1, THREADS);
        for (size_t id = 0; id < THREADS; id++)
            assert_int_equal(data[id], -vd_flush_state_error(&shared));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_written_is_nothing_unflushed),
        cmocka_unit_test(a_write_is_unflushed_until_a_good_flush),
        cmocka_unit_test(a_flush_covers_only_what_completed_before_its_mark),
        cmocka_unit_test(an_older_flush_that_ends_last_takes_nothing_back),
        cmocka_unit_test(a_failed_flush_covers_nothing),
        cmocka_unit_test(there_is_no_error_at_first),
        cmocka_unit_test(an_error_stays_until_it_is_acknowledged),
        cmocka_unit_test(the_first_error_is_the_one_that_is_told),
        cmocka_unit_test(an_error_after_the_acknowledging_is_a_new_one),
        cmocka_unit_test(a_flush_in_flight_while_another_fails_fails_too),
        cmocka_unit_test(acknowledging_nothing_changes_nothing),
        cmocka_unit_test(no_write_and_no_flush_is_lost_among_threads),
        cmocka_unit_test(of_flushes_that_end_at_the_same_time_the_newest_counts),
        cmocka_unit_test(a_mark_comes_after_the_writes_that_it_counts),
        cmocka_unit_test(of_errors_at_the_same_time_all_flushes_tell_one),
    };

    /* A hang is a failure too. */
    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
