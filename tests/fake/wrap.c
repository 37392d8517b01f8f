/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* These are weak: a program need not wrap all of them, and the linker defines only those that it wraps. */
#define REAL(type, name, ...)                                                                                          \
    type __real_##name(__VA_ARGS__) __attribute__((weak));                                                             \
    type __wrap_##name(__VA_ARGS__);

REAL(void *, malloc, size_t size)
REAL(void *, calloc, size_t count, size_t size)
REAL(void *, realloc, void *memory, size_t size)
REAL(void *, aligned_alloc, size_t alignment, size_t size)
REAL(int, posix_memalign, void **memory, size_t alignment, size_t size)
REAL(char *, strdup, const char *text)
REAL(char *, strndup, const char *text, size_t size)
REAL(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
REAL(int, pipe2, int ends[2], int flags)

static _Thread_local int exempt;
static _Thread_local unsigned int own_countdown;
static atomic_uint countdown;
/* Only calls of this function count for `countdown`. NULL stands for all functions. */
static _Atomic(const char *) wanted;
static _Atomic(const char *) failed;
static atomic_size_t allocations;

void wrap_exempt(int change)
{
    exempt += change;
}

static void arm(const char *function, unsigned int own, unsigned int all)
{
    atomic_store(&countdown, 0);
    atomic_store(&failed, NULL);
    atomic_store(&wanted, function);
    own_countdown = own;
    atomic_store(&countdown, all);
}

void wrap_fail_nth(unsigned int n)
{
    arm(NULL, n, 0);
}

void wrap_fail_nth_anywhere(unsigned int n)
{
    arm(NULL, 0, n);
}

void wrap_fail_call(const char *function, unsigned int n)
{
    arm(function, 0, n);
}

bool wrap_failed(void)
{
    return atomic_load(&failed);
}

const char *wrap_failed_name(void)
{
    return atomic_load(&failed);
}

bool wrap_disarm(void)
{
    own_countdown = 0;
    atomic_store(&countdown, 0);
    return wrap_failed();
}

size_t wrap_allocs(void)
{
    return atomic_load(&allocations);
}

static bool own_strikes(void)
{
    return own_countdown > 0 && --own_countdown == 0;
}

static bool all_strikes(const char *function)
{
    const char *only = atomic_load(&wanted);
    unsigned int n = atomic_load(&countdown);

    if (only && strcmp(only, function) != 0)
        return false;
    while (n > 0) {
        if (atomic_compare_exchange_weak(&countdown, &n, n - 1))
            return n == 1;
    }
    return false;
}

static bool strikes(const char *function)
{
    if (exempt > 0 || (!own_strikes() && !all_strikes(function)))
        return false;
    atomic_store(&failed, function);
    return true;
}

/*
 * Relaxed order is enough for a number. A stronger one would synchronise the threads under test, and hide their races.
 */
static bool allocation_strikes(const char *function)
{
    if (exempt == 0)
        atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    if (!strikes(function))
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return allocation_strikes("malloc") ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_strikes("calloc") ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allocation_strikes("realloc") ? NULL : __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return allocation_strikes("aligned_alloc") ? NULL : __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return allocation_strikes("posix_memalign") ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_strikes("strdup") ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
    return allocation_strikes("strndup") ? NULL : __real_strndup(text, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    return strikes("pthread_create") ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}

int __wrap_pipe2(int ends[2], int flags)
{
    if (!strikes("pipe2"))
        return __real_pipe2(ends, flags);
    errno = EMFILE;
    return -1;
}
