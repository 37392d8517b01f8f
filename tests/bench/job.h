/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a run of the benchmark does, as the command line says it.
 */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include <stdbool.h>
#include <stdint.h>

#define JOB_MAX_OPTIONS 32

struct job_option {
    const char *key;
    const char *value;
};

struct job {
    const char *engine;
    const char *conf;
    const char *pool;
    /* With several disks, these are IMAGE.0, IMAGE.1 and so on. */
    const char *image;
    unsigned int disks;

    bool random;
    /* How many of a hundred requests are reads. */
    unsigned int read_percent;
    uint64_t block_size;
    /* Each thread has a queue of this depth. Its slots go round the disks, and each stays with its disk. */
    unsigned int depth;
    unsigned int threads;
    /* 0: opens and closes only. */
    double seconds;
    /* Before the measured part. */
    double warm_up;

    bool zero_copy;
    bool plug;
    /* Sleeps in poll(), as an event loop does, and not in vdisk_queue_wait. */
    bool poll;
    /* Fills the disks beforehand with what is known of every offset; and looks whether each read brings it. */
    bool fill;
    bool verify;
    /* 0: the library's default. */
    bool open_together;
    unsigned int disks_per_connection;
    /* NULL: none. */
    const char *tuning;

    struct job_option options[JOB_MAX_OPTIONS];
    unsigned int option_count;
};

/* From the command line. Exits with a message when it makes no sense. */
void job_parse(struct job *job, int argc, char **argv);

/* Writes the name of a disk's image. Returns `name`. */
const char *job_image(const struct job *job, unsigned int disk, char *name, unsigned int size);

#endif
