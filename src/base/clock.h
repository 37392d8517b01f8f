/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Points in time, as nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef VD_CLOCK_H
#define VD_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define VD_NEVER INT64_MAX

int64_t vd_now(void);

/* The time `ms` milliseconds from now; VD_NEVER for a negative `ms`, or one too long to be reckoned. */
int64_t vd_time_after_ms(int64_t ms);

struct timespec vd_timespec(int64_t ns);

#endif
