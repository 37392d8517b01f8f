/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the process around the library does to it: fork() and signals.
 */
#ifndef VD_PROCESS_H
#define VD_PROCESS_H

#include <signal.h>
#include <stdbool.h>

/*
 * Says that this process is about to have threads of Ceph's. From then on a forked child, which has none of them,
 * is marked. Returns 0 or -ENOMEM.
 */
int vd_process_will_connect(void);

/* Whether this is a child forked after vd_process_will_connect: nothing that needs those threads can work here. */
bool vd_process_forked(void);

/* Blocks every signal in this thread, so that threads started now inherit that; and undoes it. */
void vd_signals_block(sigset_t *saved);
void vd_signals_restore(const sigset_t *saved);

#endif
