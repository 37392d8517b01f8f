/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker: the work that is posted to it, flushing, starting and stopping. Work notes what it sees in plain
 * variables; flushing and stopping must order those stores before the main thread's reads.
 */
#include "worker_helpers.h"

#include <errno.h>
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

#include "base/container.h"
#include "wrap.h"

/* Work. */

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

static struct noted posted[POSTERS][POSTS];

static void post_many(void *arg, unsigned int poster)
{
    (void)arg;
    for (size_t i = 0; i < POSTS; i++) {
        posted[poster][i].work.run = note_place;
        vd_worker_post(&worker, &posted[poster][i].work);
        /* So that the worker finds nothing to do now and then. */
        if (i % 500 == 0)
            usleep(100);
    }
    vd_worker_flush(&worker);
}

static void check_order(const struct noted *noted)
{
    for (size_t i = 0; i < POSTS; i++) {
        assert_true(noted[i].place > 0);
        assert_true(i == 0 || noted[i].place > noted[i - 1].place);
    }
}

static void work_of_many_threads_runs_once_and_in_each_ones_order(void **state)
{
    static struct team posters;

    (void)state;
    ran = 0;
    start_team(&posters, POSTERS, post_many, NULL);
    join_team(&posters);
    assert_int_equal(ran, POSTERS * POSTS);
    for (size_t i = 0; i < POSTERS; i++)
        check_order(posted[i]);
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
    sleep_on(&finished);
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

static void flushing_waits_for_work_that_is_running(void **state)
{
    static struct latecomer opener;

    (void)state;
    block_worker();
    start_late_opening(&opener, &blocker);
    vd_worker_flush(&worker);
    end_latecomer(&opener);
}

static void flushing_an_idle_worker_returns(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        vd_worker_flush(&worker);
}

static void signals_do_not_end_the_flushing(void **state)
{
    static struct latecomer opener;

    (void)state;
    start_interrupting();
    block_worker();
    start_late_opening(&opener, &blocker);
    vd_worker_flush(&worker);
    end_latecomer(&opener);
    stop_interrupting();
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

/* Work of a poster that has pushed it and has yet to ring: it runs, and says so, before that. */
static struct vd_work pushed;
static sem_t pushed_ran;

static void tell_that_it_ran(struct vd_work *work)
{
    (void)work;
    sem_post(&pushed_ran);
}

static void ring(void *bell)
{
    vd_doorbell_ring(bell);
}

static void stopping_waits_for_a_poster_that_has_yet_to_ring(void **state)
{
    static struct latecomer poster;
    static struct counted busy;

    (void)state;
    sem_init(&pushed_ran, 0, 0);
    pushed.run = tell_that_it_ran;
    assert_int_equal(vd_worker_start(&worker), 0);
    /* Keeps the worker looking without having been rung for. */
    start_counted(&busy, 0, 1);
    atomic_store(&worker.mailbox.newest, (uintptr_t)&pushed.node);
    sleep_on(&pushed_ran);
    start_latecomer(&poster, ring, &worker.mailbox.doorbell);
    stop_counted(&busy);
    vd_worker_stop(&worker);
    end_latecomer(&poster);
    sem_destroy(&pushed_ran);
}

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
        cmocka_unit_test(the_thread_has_the_signal_mask_of_who_started_it),
        cmocka_unit_test(stopping_runs_what_was_posted),
        cmocka_unit_test(stopping_runs_what_posted_work_posts_in_its_turn),
        cmocka_unit_test(a_worker_can_be_stopped_at_once),
        cmocka_unit_test(a_thread_that_cannot_be_had_is_told),
        cmocka_unit_test(stopping_waits_for_a_poster_that_has_yet_to_ring),
    };

    start_watchdog();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
