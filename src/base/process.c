/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include <errno.h>
#include <pthread.h>

/* See vd_process_forked. */
atomic_bool vd_process_is_child;

static int atfork_result;

static void mark_child(void)
{
    atomic_store_explicit(&vd_process_is_child, true, memory_order_relaxed);
}

static void register_handler(void)
{
    atfork_result = pthread_atfork(NULL, NULL, mark_child);
}

int vd_process_will_connect(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_handler);
    return -atfork_result;
}

void vd_signals_block(sigset_t *saved)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, saved);
}

void vd_signals_restore(const sigset_t *saved)
{
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}
