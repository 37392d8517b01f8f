/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a fork marks cannot be unmarked, so each scenario runs in a child of its own, and the test program itself never
 * says that it will connect.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/process.h"

/* Runs the scenario in a child; returns what it did, or -1 when the child died otherwise. */
static int in_child(int (*scenario)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(scenario());
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Forking. */

static int is_marked(void)
{
    return vd_process_forked();
}

static int connect_and_see(void)
{
    return vd_process_will_connect() == 0 ? vd_process_forked() : 99;
}

static int connect_then_fork(void)
{
    return vd_process_will_connect() == 0 ? in_child(is_marked) : 99;
}

static int connect_then_fork_and_see_the_parent(void)
{
    if (vd_process_will_connect() != 0 || in_child(is_marked) != 1)
        return 99;
    return vd_process_forked();
}

static int connect_then_fork_twice(void)
{
    return vd_process_will_connect() == 0 ? in_child(connect_then_fork) : 99;
}

static int fork_unconnected_then_connect_and_fork(void)
{
    return in_child(is_marked) == 0 ? connect_then_fork() : 99;
}

static void a_process_that_did_not_fork_is_not_marked(void **state)
{
    (void)state;
    assert_false(vd_process_forked());
    assert_int_equal(in_child(connect_and_see), 0);
}

static void a_child_forked_before_connecting_is_not_marked(void **state)
{
    (void)state;
    assert_int_equal(in_child(is_marked), 0);
}

static void a_child_forked_after_connecting_is_marked(void **state)
{
    (void)state;
    assert_int_equal(in_child(connect_then_fork), 1);
}

static void the_parent_of_a_marked_child_is_not_marked(void **state)
{
    (void)state;
    assert_int_equal(in_child(connect_then_fork_and_see_the_parent), 0);
}

static void a_childs_child_is_marked_too(void **state)
{
    (void)state;
    assert_int_equal(in_child(connect_then_fork_twice), 1);
}

static void forking_before_does_not_keep_from_connecting_later(void **state)
{
    (void)state;
    assert_int_equal(in_child(fork_unconnected_then_connect_and_fork), 1);
}

#define THREADS 8

static void *connect_here(void *arg)
{
    int *result = arg;

    *result = vd_process_will_connect();
    return NULL;
}

static int connect_from_threads(void)
{
    pthread_t threads[THREADS];
    int results[THREADS], bad = 0;

    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, connect_here, &results[i]) != 0)
            _exit(98);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        bad += results[i] != 0;
    }
    return bad ? 99 : in_child(is_marked);
}

static void any_number_of_threads_may_connect(void **state)
{
    (void)state;
    assert_int_equal(in_child(connect_from_threads), 1);
}

/* Signals. */

/* Of all that can be blocked and that the C library does not keep to itself. */
static bool all_are(int blocked, const sigset_t *set)
{
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP || (signal >= 32 && signal < SIGRTMIN))
            continue;
        if (sigismember(set, signal) != blocked)
            return false;
    }
    return true;
}

static sigset_t mask(void)
{
    sigset_t set;

    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    return set;
}

/* A mask with something in it, to tell it from none and all. */
static void set_mixed_mask(sigset_t *before)
{
    sigset_t mixed;

    sigemptyset(&mixed);
    sigaddset(&mixed, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mixed, before), 0);
}

static void blocking_blocks_every_signal(void **state)
{
    sigset_t before, saved, now;

    (void)state;
    set_mixed_mask(&before);
    vd_signals_block(&saved);
    now = mask();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_true(all_are(1, &now));
}

static void restoring_brings_back_the_mask_of_before(void **state)
{
    sigset_t before, saved, now;

    (void)state;
    set_mixed_mask(&before);
    vd_signals_block(&saved);
    vd_signals_restore(&saved);
    now = mask();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(sigismember(&now, SIGUSR1), 1);
    sigdelset(&now, SIGUSR1);
    assert_true(all_are(0, &now));
}

static void *note_mask(void *arg)
{
    pthread_sigmask(SIG_BLOCK, NULL, arg);
    return NULL;
}

static void a_thread_started_in_between_keeps_every_signal_blocked(void **state)
{
    sigset_t saved, inside, after;
    pthread_t thread;
    int created;

    (void)state;
    vd_signals_block(&saved);
    created = pthread_create(&thread, NULL, note_mask, &inside);
    vd_signals_restore(&saved);
    assert_int_equal(created, 0);
    pthread_join(thread, NULL);
    assert_true(all_are(1, &inside));

    assert_int_equal(pthread_create(&thread, NULL, note_mask, &after), 0);
    pthread_join(thread, NULL);
    assert_false(all_are(1, &after));
}

static volatile sig_atomic_t delivered;

static void deliver(int signal)
{
    (void)signal;
    delivered++;
}

static void a_signal_that_comes_while_blocked_is_delivered_when_restored(void **state)
{
    struct sigaction action = {.sa_handler = deliver}, before;
    sigset_t saved;
    int while_blocked;

    (void)state;
    delivered = 0;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    vd_signals_block(&saved);
    raise(SIGUSR1);
    while_blocked = delivered;
    vd_signals_restore(&saved);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    assert_int_equal(while_blocked, 0);
    assert_int_equal(delivered, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_did_not_fork_is_not_marked),
        cmocka_unit_test(a_child_forked_before_connecting_is_not_marked),
        cmocka_unit_test(a_child_forked_after_connecting_is_marked),
        cmocka_unit_test(the_parent_of_a_marked_child_is_not_marked),
        cmocka_unit_test(a_childs_child_is_marked_too),
        cmocka_unit_test(forking_before_does_not_keep_from_connecting_later),
        cmocka_unit_test(any_number_of_threads_may_connect),
        cmocka_unit_test(blocking_blocks_every_signal),
        cmocka_unit_test(restoring_brings_back_the_mask_of_before),
        cmocka_unit_test(a_thread_started_in_between_keeps_every_signal_blocked),
        cmocka_unit_test(a_signal_that_comes_while_blocked_is_delivered_when_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
