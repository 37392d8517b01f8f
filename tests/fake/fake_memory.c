/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocates memory and starts threads. wrap.h neither counts these calls nor makes them fail. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"
#include "wrap.h"

/* A program that wraps nothing is linked without wrap.c. */
#pragma weak wrap_exempt

static void exempt(int change)
{
    if (wrap_exempt)
        wrap_exempt(change);
}

static void *some(void *memory)
{
    if (!memory)
        fake_abort("out of memory");
    return memory;
}

void *fake_alloc(size_t size)
{
    void *memory;

    exempt(1);
    memory = calloc(1, size ? size : 1);
    exempt(-1);
    return some(memory);
}

void *fake_resize_array(void *array, size_t count, size_t size)
{
    void *memory;

    exempt(1);
    memory = realloc(array, count ? count * size : 1);
    exempt(-1);
    return some(memory);
}

char *fake_strdup(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(fake_alloc(size), text, size);
}

/* Blocks all signals in the thread, as a library should, so that the test's handlers run on the test's threads. */
pthread_t fake_start_thread(void *(*run)(void *))
{
    sigset_t all, old;
    pthread_t thread;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    exempt(1);
    r = pthread_create(&thread, NULL, run, NULL);
    exempt(-1);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0)
        fake_abort("a thread cannot be started: %s", strerror(r));
    return thread;
}
