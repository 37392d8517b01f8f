/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How often which value was seen, values being sorted into buckets whose width is a thirty-second of their size or
 * less: wide ranges in little memory, and percentiles within 3 %.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t least;
    uint64_t most;
};

/* All zero is an empty one. */
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* A value that this part of the values seen, from 0 to 1, does not exceed; 0 when none was seen. */
uint64_t histogram_quantile(const struct histogram *histogram, double part);

double histogram_mean(const struct histogram *histogram);

#endif
