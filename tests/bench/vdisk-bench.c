/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random reads through libvdisk and through librbd alone, in turns, so that both meet the same moods of the machine.
 * What counts is the ratio of each pair of runs.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"

#define MAX_PAIRS 100

struct outcome {
    double iops;
    /* User and system time of the whole process for each request, in microseconds. */
    double cpu_us;
};

_Noreturn void bench_fail(const char *what, const char *reason)
{
    fprintf(stderr, "vdisk-bench: %s: %s\n", what, reason);
    exit(1);
}

void *bench_buffer(uint64_t size)
{
    void *buffer;

    if (posix_memalign(&buffer, 4096, size) != 0)
        bench_fail("posix_memalign", "out of memory");
    memset(buffer, 0, size);
    return buffer;
}

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* xorshift64*: the same offsets for both engines, and no lock as in random(). */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static struct outcome run(const struct bench_engine *engine, const struct bench_job *job)
{
    void *state = engine->open(job);
    uint64_t blocks = engine->size(state) / job->block_size, seed = 88172645463325252, done = 0;
    unsigned int *slots = calloc(job->depth, sizeof *slots);
    unsigned int in_flight = 0;

    if (blocks == 0 || !slots)
        bench_fail("image", "smaller than a block");

    double cpu = cpu_seconds(), start = now(), elapsed = 0;

    for (; in_flight < job->depth; in_flight++)
        engine->read(state, in_flight, next_random(&seed) % blocks * job->block_size);
    while (in_flight > 0) {
        unsigned int n = engine->wait(state, slots, job->depth);

        done += n;
        if (elapsed == 0 && now() - start >= job->seconds)
            elapsed = job->seconds;
        if (elapsed > 0)
            in_flight -= n;
        for (unsigned int i = 0; elapsed == 0 && i < n; i++)
            engine->read(state, slots[i], next_random(&seed) % blocks * job->block_size);
    }
    elapsed = now() - start;
    cpu = cpu_seconds() - cpu;
    engine->close(state);
    free(slots);
    return (struct outcome){.iops = (double)done / elapsed, .cpu_us = cpu * 1e6 / (double)done};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_ratio(const char *what, double *ratios, int n)
{
    qsort(ratios, (size_t)n, sizeof *ratios, by_value);
    printf("%-28s median %.3f   min %.3f   max %.3f\n", what, ratios[n / 2], ratios[0], ratios[n - 1]);
}

static void compare(const struct bench_job *job, int pairs)
{
    double iops[MAX_PAIRS], cpu[MAX_PAIRS];

    printf("%" PRIu64 " B random reads, queue depth %u, %d pairs of %.1f s\n", job->block_size, job->depth, pairs,
           job->seconds);
    printf("%4s %14s %14s %14s %14s\n", "pair", "vdisk IOPS", "librbd IOPS", "vdisk us/IO", "librbd us/IO");
    for (int i = 0; i < pairs; i++) {
        struct outcome ours, theirs;

        /* Who comes first changes too: the second run of a pair may find warmer caches. */
        if (i % 2 == 0) {
            ours = run(&bench_vdisk, job);
            theirs = run(&bench_librbd, job);
        } else {
            theirs = run(&bench_librbd, job);
            ours = run(&bench_vdisk, job);
        }

        printf("%4d %14.0f %14.0f %14.1f %14.1f\n", i + 1, ours.iops, theirs.iops, ours.cpu_us, theirs.cpu_us);
        fflush(stdout);
        iops[i] = ours.iops / theirs.iops;
        cpu[i] = ours.cpu_us / theirs.cpu_us;
    }
    print_ratio("IOPS, vdisk / librbd:", iops, pairs);
    print_ratio("CPU per I/O, vdisk / librbd:", cpu, pairs);
}

static _Noreturn void usage(int status)
{
    fprintf(status ? stderr : stdout,
            "Usage: vdisk-bench [options] CONF IMAGE\n"
            "Compares random reads of an image of pool \"rbd\" through libvdisk and through librbd alone.\n"
            "  -b BYTES    block size (4096)\n"
            "  -q DEPTH    requests in flight (32)\n"
            "  -t SECONDS  length of a run (3)\n"
            "  -r PAIRS    pairs of runs (7)\n");
    exit(status);
}

int main(int argc, char **argv)
{
    struct bench_job job = {.pool = "rbd", .block_size = 4096, .depth = 32, .seconds = 3};
    int pairs = 7, c;

    while ((c = getopt(argc, argv, "b:q:t:r:h")) != -1) {
        switch (c) {
        case 'b':
            job.block_size = strtoull(optarg, NULL, 10);
            break;
        case 'q':
            job.depth = (unsigned int)strtoul(optarg, NULL, 10);
            break;
        case 't':
            job.seconds = strtod(optarg, NULL);
            break;
        case 'r':
            pairs = atoi(optarg);
            break;
        case 'h':
            usage(0);
        default:
            usage(2);
        }
    }
    if (argc - optind != 2 || job.block_size == 0 || job.depth == 0 || job.seconds <= 0 || pairs < 1 ||
        pairs > MAX_PAIRS)
        usage(2);
    job.conf = argv[optind];
    job.image = argv[optind + 1];
    compare(&job, pairs);
    return 0;
}
