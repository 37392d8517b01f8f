/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a benchmark run does, and the engines that can do it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

struct bench_job {
    const char *conf;
    const char *pool;
    const char *image;
    uint64_t block_size;
    unsigned int depth;
    double seconds;
};

struct bench_engine {
    const char *name;
    /* Opens the image with as much room as the job needs. Exits with a message on failure, as do the others. */
    void *(*open)(const struct bench_job *job);
    uint64_t (*size)(void *state);
    /* Starts a read of a block into the slot's buffer. */
    void (*read)(void *state, unsigned int slot, uint64_t offset);
    /* Waits for at least one read to end; writes which to `slots`, at most `max`, and returns how many. */
    unsigned int (*wait)(void *state, unsigned int *slots, unsigned int max);
    void (*close)(void *state);
};

extern const struct bench_engine bench_vdisk;
extern const struct bench_engine bench_librbd;

/* A page-aligned buffer, or the end of the program. */
void *bench_buffer(uint64_t size);

/* Prints "vdisk-bench: what: reason" and exits. */
_Noreturn void bench_fail(const char *what, const char *reason);

#endif
