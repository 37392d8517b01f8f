/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A way to reach disks. An engine opens all disks of a job, and gives each thread a lane to them: a place to submit
 * requests and to learn of their completion. Whatever fails ends the program with a message.
 */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "job.h"

/* A request, of which a lane has as many as it is deep. Who submits it fills it in; the engine leaves it alone. */
struct slot {
    unsigned int disk;
    bool is_read;
    uint64_t offset;
    uint64_t length;
    void *buffer;
    /* When it was submitted, in nanoseconds. */
    int64_t start;
};

struct engine {
    const char *name;
    void *(*open)(const struct job *job);
    uint64_t (*size)(void *disks, unsigned int disk);
    /* Makes every write that is complete durable. */
    void (*flush)(void *disks);
    void (*close)(void *disks);

    /* `slots` are `depth` ones, with their buffers. */
    void *(*lane_new)(void *disks, struct slot *slots, unsigned int depth);
    void (*submit)(void *lane, struct slot *slot);
    /* Waits for at least one to complete; writes which to `done`, at most `max`, and returns how many. */
    unsigned int (*wait)(void *lane, struct slot **done, unsigned int max);
    /* Around the submissions that belong together. NULL: nothing of the kind. */
    void (*plug)(void *lane);
    void (*unplug)(void *lane);
    void (*lane_free)(void *lane);
};

extern const struct engine engine_vdisk;
extern const struct engine engine_librbd;

#endif
