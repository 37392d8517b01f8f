/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A sweep runs the same scenario again and again. In the first run the first call fails, in the second run the second
 * call, and so on, until a run has fewer calls than that. After each run the sweep checks that the caller has learned
 * of the failure, that each accepted request has completed, and that nothing is left behind.
 */
#ifndef SWEEP_HELPERS_H
#define SWEEP_HELPERS_H

#include "disk_fixture.h"

#include "fake.h"

/* What the caller sees in one run. */
struct outcome {
    /* The first failure, or 0. */
    int failure;
    unsigned int accepted;
    unsigned int completed;
};

/* Notes what a call has returned. Its `err`, unless NULL, must agree with that. */
void note(struct outcome *outcome, int r, const struct vdisk_error *err);

/* Notes whether a request was accepted. */
void note_submission(struct outcome *outcome, int r);

/* What a caller does with the library. Every run has a new cluster (set_up_cluster). */
struct scenario {
    /* Prepares a run, before anything fails. May be NULL. */
    void (*set_up)(void *context);
    void (*run)(struct outcome *outcome, void *context);
    /* Ends a run, when nothing fails any more. May be NULL. */
    void (*tear_down)(void *context);
    void *context;
};

/* A failure that the library may keep to itself. A list of them ends with a NULL function. */
struct harmless {
    const char *function;
    /* 0: whatever the error. */
    int error;
};

/* Runs the scenario once, and asserts that the caller sees no failure. */
struct outcome run_without_failure(const struct scenario *scenario);

/* Fails calls into librbd and librados with this errno value. Returns how many calls a run has. */
unsigned int sweep_calls(const struct scenario *scenario, enum fake_when when, int error,
                         const struct harmless *harmless);

/*
 * Fails allocations, and the starting of threads and pipes: those of the thread that runs the scenario, or those of all
 * threads. The caller must see the error that belongs to what has failed. Returns how many of them a run has.
 */
unsigned int sweep_allocations(const struct scenario *scenario, const struct harmless *harmless);
unsigned int sweep_allocations_anywhere(const struct scenario *scenario, const struct harmless *harmless);

#endif
