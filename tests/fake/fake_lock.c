/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the lock that guards the fake, the waiting for changes, and the abort of a trap. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fake_internal.h"

#define PATIENCE_US UINT64_C(30000000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;

/* The initializer of a condition variable cannot choose the clock. */
__attribute__((constructor)) static void init(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void fake_lock(void)
{
    pthread_mutex_lock(&lock);
}

void fake_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void fake_changed(void)
{
    pthread_cond_broadcast(&changed);
}

void fake_wait(void)
{
    pthread_cond_wait(&changed, &lock);
}

bool fake_wait_until(uint64_t when)
{
    struct timespec deadline = {.tv_sec = (time_t)(when / 1000000), .tv_nsec = (long)(when % 1000000) * 1000};

    return pthread_cond_timedwait(&changed, &lock, &deadline) != ETIMEDOUT;
}

bool fake_wait_for(bool (*condition)(const void *argument), const void *argument)
{
    uint64_t deadline = fake_now() + PATIENCE_US;

    while (!condition(argument)) {
        if (!fake_wait_until(deadline))
            return condition(argument);
    }
    return true;
}

uint64_t fake_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void fake_abort(const char *format, ...)
{
    const char *function = fake_function_name();
    va_list arguments;

    va_start(arguments, format);
    fputs("fake: ", stderr);
    if (function)
        fprintf(stderr, "%s: ", function);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}
