/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this process has used: all of it, since librbd does its work on threads of its own.
 */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

struct usage {
    /* CLOCK_MONOTONIC, in seconds. */
    double time;
    double user;
    double system;
    long voluntary_switches;
    long involuntary_switches;
};

struct footprint {
    uint64_t rss_kib;
    uint64_t peak_rss_kib;
    unsigned int threads;
};

int64_t usage_now_ns(void);
struct usage usage_now(void);
struct usage usage_since(const struct usage *start);

/* As it is now; the peak since the start of the process. */
struct footprint footprint_now(void);

#endif
