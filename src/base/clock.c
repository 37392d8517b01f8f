/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t vd_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t vd_time_after_ms(int64_t ms)
{
    int64_t now;

    if (ms < 0)
        return VD_NEVER;
    now = vd_now();
    /* A time that an int64_t cannot express, about 292 years, means never. */
    if (ms > (VD_NEVER - now) / NS_PER_MS)
        return VD_NEVER;
    return now + ms * NS_PER_MS;
}

struct timespec vd_timespec(int64_t ns)
{
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}
