/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker to test with: work that notes when it has run, timers that count how often they have run, and a way to keep
 * the worker busy. There is one worker, used by one test at a time. Asserts stand on the main thread only.
 */
#ifndef WORKER_HELPERS_H
#define WORKER_HELPERS_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

#include "thread/worker.h"
#include "thread_helpers.h"

/* Not on the stack of a test: a test that fails would pull it away from under its thread. */
extern struct vd_worker worker;

int start_worker(void **state);
int stop_worker(void **state);

#define WITH_A_WORKER(test) cmocka_unit_test_setup_teardown(test, start_worker, stop_worker)

/* Work that notes its place, from 1 on, among all noted work that ran. */
struct noted {
    struct vd_work work;
    unsigned int place;
};

/* How much has run since the last post_noted. */
extern unsigned int ran;

/* Runs noted work. */
void note_place(struct vd_work *work);
void post_noted(struct noted *noted, size_t count);

/* Asserts that all of it has run, in the order in which it was posted. */
void check_places(const struct noted *noted, size_t count);

/* The place where block_worker stops the worker. */
extern struct checkpoint blocker;

/* Keeps the worker busy from here on, so that what is posted gathers. */
void block_worker(void);

/* Lets it go on, and waits until it has run what was posted. */
void unblock_worker(void);

/* A timer that counts, and notes the time of the first and of the last run. */
struct counted {
    struct vd_timer timer;
    unsigned int runs;
    /* `told` is posted when this many runs are reached. */
    unsigned int enough;
    sem_t told;
    int64_t first, last;
};

void start_counted(struct counted *counted, uint32_t period_ms, unsigned int enough);
void stop_counted(struct counted *counted);

#endif
