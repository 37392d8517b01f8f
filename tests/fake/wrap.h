/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes allocations, threads and pipes fail. The test program is linked with -Wl,--wrap=NAME for each of malloc,
 * calloc, realloc, posix_memalign, strdup, pthread_create and pipe2, and also for aligned_alloc and strndup if the code
 * under test uses them. This reaches all code of the program itself (the library under test, the test, the fake), and
 * no shared library (cmocka, libc). The fake exempts itself: its allocations neither count nor fail. Those of the test
 * do, so a test allocates before it arms a failure:
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

/* The n-th wrapped call (1 is the next one) that this thread makes from now on fails, once. 0 disarms it. */
void wrap_fail_nth(unsigned int n);

/* Does the same for the calls of all threads together, including those that the library has started. */
void wrap_fail_nth_anywhere(unsigned int n);

/*
 * The n-th next call of this function, by any thread, fails: "malloc", "pthread_create", "pipe2", … Only one failure is
 * armed at a time.
 */
void wrap_fail_call(const char *function, unsigned int n);

/* Return whether the failure that was armed last has struck, and the function that it struck, or NULL. */
bool wrap_failed(void);
const char *wrap_failed_name(void);

/* Disarms the failure and returns wrap_failed(). */
bool wrap_disarm(void);

/* Returns how many allocations all threads have made so far. Threads, pipes and free() do not count. */
size_t wrap_allocs(void);

/* Between a call with 1 and one with -1, this thread's calls neither count nor fail. Such pairs nest. */
void wrap_exempt(int change);

#endif
