/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "fail.h"

int64_t usage_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

struct usage usage_now(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (struct usage){
        .time = (double)usage_now_ns() / 1e9,
        .user = seconds(usage.ru_utime),
        .system = seconds(usage.ru_stime),
        .voluntary_switches = usage.ru_nvcsw,
        .involuntary_switches = usage.ru_nivcsw,
    };
}

struct usage usage_since(const struct usage *start)
{
    struct usage now = usage_now();

    now.time -= start->time;
    now.user -= start->user;
    now.system -= start->system;
    now.voluntary_switches -= start->voluntary_switches;
    now.involuntary_switches -= start->involuntary_switches;
    return now;
}

static uint64_t field(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncmp(line, name, length) == 0 ? strtoull(line + length, NULL, 10) : 0;
}

struct footprint footprint_now(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    struct footprint footprint = {0};
    char line[256];

    if (!status)
        bench_fail("/proc/self/status", "cannot be read");
    while (fgets(line, sizeof line, status)) {
        footprint.rss_kib += field(line, "VmRSS:");
        footprint.peak_rss_kib += field(line, "VmHWM:");
        footprint.threads += (unsigned int)field(line, "Threads:");
    }
    fclose(status);
    return footprint;
}
