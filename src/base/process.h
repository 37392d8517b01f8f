/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects the library from two things that its process may do: fork() and signals.
 */
#ifndef VD_PROCESS_H
#define VD_PROCESS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * Says that Ceph is about to start threads in this process. From then on vd_process_forked is true in a forked child,
 * because fork() does not copy those threads. Returns 0 or -ENOMEM.
 */
int vd_process_will_connect(void);

/*
 * Tells whether this process is a child that was forked after vd_process_will_connect. Nothing that needs Ceph's
 * threads works in it.
 */
static inline bool vd_process_forked(void)
{
    /*
     * Only process.c sets it. Relaxed: it changes only in the child, which has a single thread then, and it publishes
     * no other data.
     */
    extern atomic_bool vd_process_is_child;

    return atomic_load_explicit(&vd_process_is_child, memory_order_relaxed);
}

/* Blocks all signals in this thread, and saves its signal mask. Threads that it starts meanwhile inherit that. */
void vd_signals_block(sigset_t *saved);

/* Restores the signal mask that vd_signals_block saved. */
void vd_signals_restore(const sigset_t *saved);

#endif
