/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes allocations, threads and pipes fail. For test programs linked with -Wl,--wrap=NAME for each of: malloc, calloc,
 * realloc, posix_memalign, strdup, pthread_create, pipe2; also aligned_alloc and strndup if the code under test uses
 * them. That reaches all code of the program itself (the library under test, the test, the fake), and no shared library
 * (cmocka, libc). The fake exempts itself: its allocations neither count nor fail. The test's own do, so allocate
 * before arming:
 *
 *     for (unsigned int n = 1;; n++) {
 *         wrap_fail_nth(n);
 *         r = vdisk_open_uri(...);
 *         if (!wrap_disarm())
 *             break;
 *         ... r is -ENOMEM, or the call does without; nothing is leaked
 *     }
 */
#ifndef WRAP_H
#define WRAP_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th wrapped call (1: the next one) that this thread makes from now on fails, once. 0: off. */
void wrap_fail_nth(unsigned int n);

/* The same for calls of all threads together, those the library has started included. */
void wrap_fail_nth_anywhere(unsigned int n);

/* The n-th next call of this function, by any thread, fails: "malloc", "pthread_create", "pipe2", … One at a time. */
void wrap_fail_call(const char *function, unsigned int n);

/* Whether what was armed last has failed, and which function: NULL if none. */
bool wrap_failed(void);
const char *wrap_failed_name(void);

/* Takes back what is armed and returns wrap_failed(). */
bool wrap_disarm(void);

/* How many allocations, of all threads, there have been so far. Threads and pipes do not count, nor does free(). */
size_t wrap_allocs(void);

/* Between 1 and -1 this thread's calls neither count nor fail. Calls nest. */
void wrap_exempt(int change);

#endif
