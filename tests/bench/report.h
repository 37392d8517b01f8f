/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a run has shown, and its form for other programs.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdint.h>

#include "histogram.h"
#include "job.h"
#include "usage.h"

struct report {
    /* Opening all disks, and what the process is like afterwards. */
    struct usage opening;
    struct footprint opened;
    /* The measured part, and what the process is like at its end. */
    struct usage run;
    struct footprint after;
    struct histogram latency;
    uint64_t bytes;
};

/* One object, on standard output. */
void report_print(const struct job *job, const struct report *report);

#endif
