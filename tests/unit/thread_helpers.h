/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that a test starts to meet the library at a certain moment: a latecomer acts while the main thread waits, a
 * team does the same thing on several threads at once, and a checkpoint stops a thread of the library. What such a
 * thread uses is static: the stack of a test that fails goes away under threads that still run. Asserts stand on the
 * main thread only.
 */
#ifndef THREAD_HELPERS_H
#define THREAD_HELPERS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>

/* How long a wake-up may take before it counts as lost. */
#define WATCHDOG_MS 30000

/* Ends the process after a minute, since a hang is a failure too. */
void start_watchdog(void);

/* Waits for the semaphore whatever signals come. Any thread. */
void sleep_on(sem_t *semaphore);

/* A place in the work of a thread where a test can stop it. */
struct checkpoint {
    /* False: the thread passes without waiting. */
    bool stops;
    sem_t reached, go;
};

void init_checkpoint(struct checkpoint *checkpoint, bool stops);

/* The stopped thread: reports that it is here, then waits if the checkpoint stops it. */
void pass_checkpoint(struct checkpoint *checkpoint);

/* The test: whether the thread has come. Each arrival is reported once. */
bool is_reached(struct checkpoint *checkpoint);

/* The test: waits until the thread has come, then lets it go on. */
void await_checkpoint(struct checkpoint *checkpoint);
void open_checkpoint(struct checkpoint *checkpoint);

/* A thread that acts 20 ms after it was started, when the main thread already waits for it. */
struct latecomer {
    pthread_t thread;
    void (*act)(void *argument);
    void *argument;
    /* Plain, not atomic: what the main thread waits for must order this store before what follows the wait. */
    bool acts;
};

void start_latecomer(struct latecomer *latecomer, void (*act)(void *argument), void *argument);

/* A latecomer that lets a stopped thread go on. */
void start_late_opening(struct latecomer *latecomer, struct checkpoint *checkpoint);

/* Asserts that the main thread has waited for the latecomer. The join comes after, since it orders everything. */
void end_latecomer(struct latecomer *latecomer);

/* From here until the end, SIGUSR1 interrupts the calling thread every millisecond. No call is restarted by itself. */
void start_interrupting(void);
void stop_interrupting(void);

/* Threads that run the same function, each with its number from 0 on. */
#define TEAM_MAX 4

struct team {
    void (*run)(void *argument, unsigned int number);
    void *argument;
    unsigned int size;
    struct member {
        pthread_t thread;
        struct team *team;
        unsigned int number;
    } members[TEAM_MAX];
};

void start_team(struct team *team, unsigned int size, void (*run)(void *argument, unsigned int number), void *argument);
void join_team(struct team *team);

#endif
