/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the process around the library does to it: fork() and signals.
 */
#ifndef VD_PROCESS_H
#define VD_PROCESS_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * Says that this process is about to have threads of Ceph's. From then on a forked child, which has none of them,
 * is marked. Returns 0 or -ENOMEM.
 */
int vd_process_will_connect(void);

/* Whether this is a child forked after vd_process_will_connect: nothing that needs those threads can work here. */
static inline bool vd_process_forked(void)
{
    /* For process.c to set. Relaxed: it changes only in a child that has a single thread, and no data is read by it. */
    extern atomic_bool vd_process_is_child;

    return atomic_load_explicit(&vd_process_is_child, memory_order_relaxed);
}

/* Blocks every signal in this thread, so that threads started now inherit that; and undoes it. */
void vd_signals_block(sigset_t *saved);
void vd_signals_restore(const sigset_t *saved);

#endif
