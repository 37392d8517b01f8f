/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a benchmark that cannot go on: it has nobody to tell but the person who started it.
 */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

#include <stddef.h>

/* Prints "vdisk-bench: what: reason" and exits with 1; the second, when it is negative, a negative errno value. */
_Noreturn void bench_fail(const char *what, const char *reason);
void bench_check(const char *what, int r);

/* Zeroed memory, or the end. */
void *bench_alloc(size_t count, size_t size);

/* Zeroed memory that starts with a page, or the end. */
void *bench_pages(size_t size);

#endif
