/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Points in time, as nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef VD_CLOCK_H
#define VD_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The time that never comes: no deadline. */
#define VD_NEVER INT64_MAX

int64_t vd_now(void);

/* Returns the time `ms` milliseconds from now, or VD_NEVER when `ms` is negative or too large for an int64_t. */
int64_t vd_time_after_ms(int64_t ms);

struct timespec vd_timespec(int64_t ns);

#endif
