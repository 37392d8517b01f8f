/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker. Asserts stand on the main thread only; work notes what it sees in plain variables, which flushing and
 * stopping must order before the main thread's reading.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/container.h"
#include "thread/worker.h"
#include "wrap.h"

#define WATCHDOG_S 60
#define NS_PER_MS INT64_C(1000000)

/* Static, so that a failed assert does not pull it away from under its thread. */
static struct vd_worker worker;

static int start_worker(void **state)
{
    (void)state;
    return vd_worker_start(&worker);
}

static int stop_worker(void **state)
{
    (void)state;
    vd_worker_stop(&worker);
    return 0;
}

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0)
        assert_int_equal(errno, EINTR);
}

/* Work that notes when it has run: its place among all that ran. */
struct noted {
    struct vd_work work;
    unsigned int place;
};

static unsigned int ran;

static void note(struct vd_work *work)
{
    struct noted *noted = VD_CONTAINER_OF(work, struct noted, work);

    noted->place = ++ran;
}

static void post_noted(struct noted *noted, size_t count)
{
    ran = 0;
    for (size_t i = 0; i < count; i++) {
        noted[i] = (struct noted){.work.run = note};
        vd_worker_post(&worker, &noted[i].work);
    }
}

/* Work that keeps the worker busy until it is let go. */
static struct {
    struct vd_work work;
    sem_t begun, go;
} blocker;

static void block(struct vd_work *work)
{
    (void)work;
    sem_post(&blocker.begun);
    sem_wait(&blocker.go);
}

static void block_worker(void)
{
    sem_init(&blocker.begun, 0, 0);
    sem_init(&blocker.go, 0, 0);
    blocker.work.run = block;
    vd_worker_post(&worker, &blocker.work);
    wait_for(&blocker.begun);
}

static void unblock_worker(void)
{
    sem_post(&blocker.go);
    vd_worker_flush(&worker);
    sem_destroy(&blocker.begun);
    sem_destroy(&blocker.go);
}

/* Work. */

static void check_places(const struct noted *noted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(noted[i].place, i + 1);
}

static void work_runs_in_the_order_it_was_posted(void **state)
{
    static struct noted noted[1000];

    (void)state;
    post_noted(noted, 1000);
    vd_worker_flush(&worker);
    assert_int_equal(ran, 1000);
    check_places(noted, 1000);
}

static void work_that_gathered_runs_in_the_order_it_was_posted(void **state)
{
    static struct noted noted[1000];

    (void)state;
    block_worker();
    post_noted(noted, 1000);
    assert_int_equal(ran, 0);
    unblock_worker();
    assert_int_equal(ran, 1000);
    check_places(noted, 1000);
}

static pthread_t ran_on;

static void note_thread(struct vd_work *work)
{
    (void)work;
    ran_on = pthread_self();
}

static void work_runs_on_the_workers_thread(void **state)
{
    static struct vd_work work = {.run = note_thread};

    (void)state;
    vd_worker_post(&worker, &work);
    vd_worker_flush(&worker);
    assert_true(pthread_equal(ran_on, worker.thread));
    assert_false(pthread_equal(ran_on, pthread_self()));
}

#define POSTERS 4
#define POSTS 2000

struct poster {
    pthread_t thread;
    struct noted noted[POSTS];
};

static void *post_many(void *arg)
{
    struct poster *poster = arg;

    for (size_t i = 0; i < POSTS; i++) {
        poster->noted[i].work.run = note;
        vd_worker_post(&worker, &poster->noted[i].work);
        /* So that the worker finds nothing to do now and then. */
        if (i % 500 == 0)
            usleep(100);
    }
    vd_worker_flush(&worker);
    return NULL;
}

static void check_poster(const struct poster *poster)
{
    for (size_t i = 0; i < POSTS; i++) {
        assert_true(poster->noted[i].place > 0);
        assert_true(i == 0 || poster->noted[i].place > poster->noted[i - 1].place);
    }
}

static void work_of_many_threads_runs_once_and_in_each_ones_order(void **state)
{
    static struct poster posters[POSTERS];

    (void)state;
    ran = 0;
    for (size_t i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    for (size_t i = 0; i < POSTERS; i++)
        pthread_join(posters[i].thread, NULL);
    assert_int_equal(ran, POSTERS * POSTS);
    for (size_t i = 0; i < POSTERS; i++)
        check_poster(&posters[i]);
}

/* Work that posts itself again until it has run `left` more times. */
struct repeated {
    struct vd_work work;
    struct vd_worker *worker;
    unsigned int left, runs;
    sem_t *finished;
};

static void repeat(struct vd_work *work)
{
    struct repeated *repeated = VD_CONTAINER_OF(work, struct repeated, work);

    repeated->runs++;
    if (repeated->left-- > 0)
        vd_worker_post(repeated->worker, work);
    else if (repeated->finished)
        sem_post(repeated->finished);
}

static void work_may_post_itself_again(void **state)
{
    static struct repeated repeated;
    static struct noted noted[10];
    static sem_t finished;

    (void)state;
    sem_init(&finished, 0, 0);
    repeated = (struct repeated){.work.run = repeat, .worker = &worker, .left = 100, .finished = &finished};
    /* In the midst of others, which must not get lost when it goes back to the end. */
    block_worker();
    vd_worker_post(&worker, &repeated.work);
    post_noted(noted, 10);
    unblock_worker();
    check_places(noted, 10);
    wait_for(&finished);
    assert_int_equal(repeated.runs, 101);
    sem_destroy(&finished);
}

static void free_itself(struct vd_work *work)
{
    ran++;
    memset(work, 0xff, sizeof *work);
    free(work);
}

static void work_may_free_itself(void **state)
{
    (void)state;
    block_worker();
    ran = 0;
    for (int i = 0; i < 100; i++) {
        struct vd_work *work = malloc(sizeof *work);

        assert_non_null(work);
        work->run = free_itself;
        vd_worker_post(&worker, work);
    }
    unblock_worker();
    assert_int_equal(ran, 100);
}

/* Flushing. */

static void *unblock_later(void *arg)
{
    bool *unblocked = arg;

    usleep(20000);
    *unblocked = true;
    sem_post(&blocker.go);
    return NULL;
}

static void flushing_waits_for_work_that_is_running(void **state)
{
    static bool unblocked;
    pthread_t thread;

    (void)state;
    unblocked = false;
    block_worker();
    assert_int_equal(pthread_create(&thread, NULL, unblock_later, &unblocked), 0);
    vd_worker_flush(&worker);
    assert_true(unblocked);
    pthread_join(thread, NULL);
}

static void flushing_an_idle_worker_returns(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        vd_worker_flush(&worker);
}

static pthread_t flusher;

static void ignore(int signal)
{
    (void)signal;
}

static void *signal_then_unblock(void *arg)
{
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        pthread_kill(flusher, SIGUSR1);
    }
    return unblock_later(arg);
}

static void signals_do_not_end_the_flushing(void **state)
{
    struct sigaction action = {.sa_handler = ignore}, before;
    static bool unblocked;
    pthread_t thread;

    (void)state;
    unblocked = false;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    flusher = pthread_self();
    block_worker();
    assert_int_equal(pthread_create(&thread, NULL, signal_then_unblock, &unblocked), 0);
    vd_worker_flush(&worker);
    assert_true(unblocked);
    pthread_join(thread, NULL);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* Timers. */

struct counted {
    struct vd_timer timer;
    unsigned int runs;
    /* Told at this many runs. */
    unsigned int enough;
    sem_t told;
    int64_t first, last;
};

static void count(struct vd_timer *timer)
{
    struct counted *counted = VD_CONTAINER_OF(timer, struct counted, timer);

    counted->last = vd_now();
    if (counted->runs++ == 0)
        counted->first = counted->last;
    if (counted->runs == counted->enough)
        sem_post(&counted->told);
}

static void start_counted(struct counted *counted, uint32_t period_ms, unsigned int enough)
{
    memset(counted, 0, sizeof *counted);
    counted->timer = (struct vd_timer){.period_ms = period_ms, .run = count};
    counted->enough = enough;
    sem_init(&counted->told, 0, 0);
    vd_worker_start_timer(&worker, &counted->timer);
}

static void stop_counted(struct counted *counted)
{
    vd_worker_stop_timer(&worker, &counted->timer);
    sem_destroy(&counted->told);
}

static void a_timer_runs_again_and_again_no_sooner_than_its_period(void **state)
{
    static struct counted counted;
    int64_t start = vd_now();

    (void)state;
    start_counted(&counted, 5, 4);
    wait_for(&counted.told);
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
    wait_for(&counted->told);
    stop_counted(counted);
    runs = counted->runs;
    /* Another one with the same period shows that there was time to run. */
    start_counted(&other, 1, 5);
    wait_for(&other.told);
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
            wait_for(&probe.told);
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
        wait_for(&counted.told);
        stop_counted(&counted);
    }
}

static void a_slow_timer_does_not_hold_up_a_fast_one(void **state)
{
    static struct counted slow, fast;

    (void)state;
    start_counted(&slow, UINT32_MAX, 1);
    start_counted(&fast, 1, 5);
    wait_for(&fast.told);
    stop_counted(&fast);
    stop_counted(&slow);
    assert_int_equal(slow.runs, 0);
    /* In the other order too. */
    start_counted(&fast, 1, 5);
    start_counted(&slow, UINT32_MAX, 1);
    wait_for(&fast.told);
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
    wait_for(&busy.told);
    post_noted(noted, 100);
    vd_worker_flush(&worker);
    check_places(noted, 100);
    stop_counted(&busy);
}

static struct vd_timer blocking_timer;
static bool timer_returned;

static void run_blocked(struct vd_timer *timer)
{
    block(NULL);
    timer->period_ms = UINT32_MAX;
    timer_returned = true;
}

static void stopping_waits_for_a_timer_that_is_running(void **state)
{
    static bool unblocked;
    pthread_t thread;

    (void)state;
    unblocked = timer_returned = false;
    blocking_timer = (struct vd_timer){.period_ms = 1, .run = run_blocked};
    sem_init(&blocker.begun, 0, 0);
    sem_init(&blocker.go, 0, 0);
    vd_worker_start_timer(&worker, &blocking_timer);
    wait_for(&blocker.begun);
    assert_int_equal(pthread_create(&thread, NULL, unblock_later, &unblocked), 0);
    vd_worker_stop_timer(&worker, &blocking_timer);
    assert_true(timer_returned);
    pthread_join(thread, NULL);
}

/* Starting and stopping. */

static sigset_t workers_mask;

static void note_mask(struct vd_work *work)
{
    (void)work;
    pthread_sigmask(SIG_BLOCK, NULL, &workers_mask);
}

static void the_thread_has_the_signal_mask_of_who_started_it(void **state)
{
    static struct vd_work work = {.run = note_mask};
    sigset_t one, before;

    (void)state;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &one, &before);
    assert_int_equal(vd_worker_start(&worker), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    vd_worker_post(&worker, &work);
    vd_worker_stop(&worker);
    assert_int_equal(sigismember(&workers_mask, SIGUSR2), 1);
    assert_int_equal(sigismember(&workers_mask, SIGUSR1), 0);
}

static void stopping_runs_what_was_posted(void **state)
{
    static struct noted noted[1000];

    (void)state;
    assert_int_equal(vd_worker_start(&worker), 0);
    post_noted(noted, 1000);
    vd_worker_stop(&worker);
    assert_int_equal(ran, 1000);
    check_places(noted, 1000);
}

static void stopping_runs_what_posted_work_posts_in_its_turn(void **state)
{
    static struct repeated repeated;

    (void)state;
    for (unsigned int left = 0; left < 20; left++) {
        assert_int_equal(vd_worker_start(&worker), 0);
        repeated = (struct repeated){.work.run = repeat, .worker = &worker, .left = left};
        vd_worker_post(&worker, &repeated.work);
        vd_worker_stop(&worker);
        assert_int_equal(repeated.runs, left + 1);
    }
}

static void a_worker_can_be_stopped_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        /* Starting sets all of it up. */
        memset(&worker, 0xff, sizeof worker);
        assert_int_equal(vd_worker_start(&worker), 0);
        vd_worker_stop(&worker);
    }
}

static void a_thread_that_cannot_be_had_is_told(void **state)
{
    int r;

    (void)state;
    wrap_fail_call("pthread_create", 1);
    r = vd_worker_start(&worker);
    assert_true(wrap_disarm());
    assert_int_equal(r, -EAGAIN);
    /* Nothing is left of it: the next attempt is as good as the first. */
    assert_int_equal(vd_worker_start(&worker), 0);
    vd_worker_stop(&worker);
}

/* A poster that has pushed its work, which then runs and tells that it is done, before it rings. */
static struct latecomer {
    pthread_t thread;
    struct vd_work work;
    sem_t done;
    bool rung;
} latecomer;

static void tell_done(struct vd_work *work)
{
    (void)work;
    sem_post(&latecomer.done);
}

static void *ring_late(void *arg)
{
    (void)arg;
    usleep(20000);
    latecomer.rung = true;
    vd_doorbell_ring(&worker.mailbox.bell);
    return NULL;
}

static void stopping_waits_for_a_poster_that_has_yet_to_ring(void **state)
{
    static struct counted busy;

    (void)state;
    sem_init(&latecomer.done, 0, 0);
    latecomer.work.run = tell_done;
    assert_int_equal(vd_worker_start(&worker), 0);
    /* Keeps the worker looking without having been rung for. */
    start_counted(&busy, 0, 1);
    atomic_store(&worker.mailbox.newest, (uintptr_t)&latecomer.work.node);
    wait_for(&latecomer.done);
    assert_int_equal(pthread_create(&latecomer.thread, NULL, ring_late, NULL), 0);
    stop_counted(&busy);
    vd_worker_stop(&worker);
    assert_true(latecomer.rung);
    pthread_join(latecomer.thread, NULL);
    sem_destroy(&latecomer.done);
}

#define WITH_A_WORKER(test) cmocka_unit_test_setup_teardown(test, start_worker, stop_worker)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_WORKER(work_runs_in_the_order_it_was_posted),
        WITH_A_WORKER(work_that_gathered_runs_in_the_order_it_was_posted),
        WITH_A_WORKER(work_runs_on_the_workers_thread),
        WITH_A_WORKER(work_of_many_threads_runs_once_and_in_each_ones_order),
        WITH_A_WORKER(work_may_post_itself_again),
        WITH_A_WORKER(work_may_free_itself),
        WITH_A_WORKER(flushing_waits_for_work_that_is_running),
        WITH_A_WORKER(flushing_an_idle_worker_returns),
        WITH_A_WORKER(signals_do_not_end_the_flushing),
        WITH_A_WORKER(a_timer_runs_again_and_again_no_sooner_than_its_period),
        WITH_A_WORKER(a_timer_does_not_run_after_it_was_stopped),
        WITH_A_WORKER(any_of_several_timers_can_be_stopped),
        WITH_A_WORKER(a_stopped_timer_can_be_started_again),
        WITH_A_WORKER(a_slow_timer_does_not_hold_up_a_fast_one),
        WITH_A_WORKER(a_timer_with_a_long_period_does_not_hold_up_work),
        WITH_A_WORKER(a_timer_that_is_always_due_does_not_hold_up_work),
        WITH_A_WORKER(stopping_waits_for_a_timer_that_is_running),
        cmocka_unit_test(the_thread_has_the_signal_mask_of_who_started_it),
        cmocka_unit_test(stopping_runs_what_was_posted),
        cmocka_unit_test(stopping_runs_what_posted_work_posts_in_its_turn),
        cmocka_unit_test(a_worker_can_be_stopped_at_once),
        cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
        cmocka_unit_test(stopping_waits_for_a_poster_that_has_yet_to_ring),
    };

    /* A hang is a failure too. */
    alarm(WATCHDOG_S);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
