/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread of a run: it keeps the slots of its lane in flight, and remembers how long each request took.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "histogram.h"
#include "job.h"

/* Where the requests to one disk go next. */
struct cursor {
    uint64_t blocks;
    uint64_t next;
};

struct worker {
    const struct job *job;
    const struct engine *engine;
    void *disks;
    unsigned int index;
    pthread_t thread;
    void *lane;
    struct slot *slots;
    /* One for each disk. */
    struct cursor *cursors;
    uint64_t seed;
    int64_t end;
    bool over;
    /* Being filled: where the next write goes. */
    bool filling;
    unsigned int fill_disk;
    uint64_t fill_block;
    /* In nanoseconds. */
    struct histogram latency;
    uint64_t bytes;
};

void worker_init(struct worker *worker, const struct job *job, const struct engine *engine, void *disks,
                 unsigned int index);
void worker_destroy(struct worker *worker);

/* Forgets what it has measured, and runs for so long on a thread of its own. */
void worker_start(struct worker *worker, double seconds);
void worker_join(struct worker *worker);

/* Writes to every block of every disk, in the calling thread. */
void worker_fill(struct worker *worker);

#endif
