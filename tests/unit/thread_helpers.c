/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread_helpers.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

void start_watchdog(void)
{
    alarm(2 * WATCHDOG_MS / 1000);
}

void sleep_on(sem_t *semaphore)
{
    while (sem_wait(semaphore) < 0) {
        /* No assert: this runs on other threads, too. */
        if (errno != EINTR)
            abort();
    }
}

/* Checkpoints. */

void init_checkpoint(struct checkpoint *checkpoint, bool stops)
{
    checkpoint->stops = stops;
    assert_int_equal(sem_init(&checkpoint->reached, 0, 0), 0);
    assert_int_equal(sem_init(&checkpoint->go, 0, 0), 0);
}

void pass_checkpoint(struct checkpoint *checkpoint)
{
    /* Read first: once it knows that the thread is here, the test may set it for the next thread. */
    bool stops = checkpoint->stops;

    sem_post(&checkpoint->reached);
    if (stops)
        sleep_on(&checkpoint->go);
}

bool is_reached(struct checkpoint *checkpoint)
{
    return sem_trywait(&checkpoint->reached) == 0;
}

void await_checkpoint(struct checkpoint *checkpoint)
{
    sleep_on(&checkpoint->reached);
}

void open_checkpoint(struct checkpoint *checkpoint)
{
    sem_post(&checkpoint->go);
}

/* Latecomers. */

static void *act_late(void *arg)
{
    struct latecomer *latecomer = arg;

    usleep(20000);
    latecomer->acts = true;
    latecomer->act(latecomer->argument);
    return NULL;
}

void start_latecomer(struct latecomer *latecomer, void (*act)(void *argument), void *argument)
{
    *latecomer = (struct latecomer){.act = act, .argument = argument};
    assert_int_equal(pthread_create(&latecomer->thread, NULL, act_late, latecomer), 0);
}

static void open_late(void *checkpoint)
{
    open_checkpoint(checkpoint);
}

void start_late_opening(struct latecomer *latecomer, struct checkpoint *checkpoint)
{
    start_latecomer(latecomer, open_late, checkpoint);
}

void end_latecomer(struct latecomer *latecomer)
{
    assert_true(latecomer->acts);
    assert_int_equal(pthread_join(latecomer->thread, NULL), 0);
}

/* Signals. */

static struct {
    pthread_t thread;
    pthread_t interrupted;
    struct sigaction before;
    atomic_bool enough;
} interrupter;

static void ignore(int signal)
{
    (void)signal;
}

static void *interrupt(void *arg)
{
    (void)arg;
    while (!atomic_load(&interrupter.enough)) {
        usleep(1000);
        pthread_kill(interrupter.interrupted, SIGUSR1);
    }
    return NULL;
}

void start_interrupting(void)
{
    /* Without SA_RESTART. */
    struct sigaction action = {.sa_handler = ignore};

    assert_int_equal(sigaction(SIGUSR1, &action, &interrupter.before), 0);
    interrupter.interrupted = pthread_self();
    atomic_store(&interrupter.enough, false);
    assert_int_equal(pthread_create(&interrupter.thread, NULL, interrupt, NULL), 0);
}

void stop_interrupting(void)
{
    atomic_store(&interrupter.enough, true);
    assert_int_equal(pthread_join(interrupter.thread, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &interrupter.before, NULL), 0);
}

/* Teams. */

static void *run_member(void *arg)
{
    struct member *member = arg;

    member->team->run(member->team->argument, member->number);
    return NULL;
}

void start_team(struct team *team, unsigned int size, void (*run)(void *argument, unsigned int number), void *argument)
{
    assert_in_range(size, 1, TEAM_MAX);
    *team = (struct team){.run = run, .argument = argument, .size = size};
    for (unsigned int i = 0; i < size; i++) {
        struct member *member = &team->members[i];

        member->team = team;
        member->number = i;
        assert_int_equal(pthread_create(&member->thread, NULL, run_member, member), 0);
    }
}

void join_team(struct team *team)
{
    for (unsigned int i = 0; i < team->size; i++)
        assert_int_equal(pthread_join(team->members[i].thread, NULL), 0);
}
