/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "histogram.h"

#define SUB_BUCKETS (UINT64_C(1) << HISTOGRAM_SUB_BITS)

/* Small values have a bucket each; from there on every power of two has SUB_BUCKETS of them. */
static unsigned int bucket_of(uint64_t value)
{
    unsigned int shift;

    if (value < SUB_BUCKETS)
        return (unsigned int)value;
    shift = 63 - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
    return (unsigned int)((shift << HISTOGRAM_SUB_BITS) + (value >> shift));
}

/* The greatest value that belongs there. */
static uint64_t upper_end(unsigned int bucket)
{
    unsigned int shift;

    if (bucket < 2 * SUB_BUCKETS)
        return bucket;
    shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return ((((bucket & (SUB_BUCKETS - 1)) | SUB_BUCKETS) + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value)]++;
    if (histogram->count == 0 || value < histogram->least)
        histogram->least = value;
    if (value > histogram->most)
        histogram->most = value;
    histogram->count++;
    histogram->sum += value;
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
    if (from->count == 0)
        return;
    for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->buckets[i] += from->buckets[i];
    if (to->count == 0 || from->least < to->least)
        to->least = from->least;
    if (from->most > to->most)
        to->most = from->most;
    to->count += from->count;
    to->sum += from->sum;
}

uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
    uint64_t seen = 0;

    if (histogram->count == 0)
        return 0;
    for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= part * (double)histogram->count)
            return upper_end(i) < histogram->most ? upper_end(i) : histogram->most;
    }
    return histogram->most;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count ? (double)histogram->sum / (double)histogram->count : 0;
}
