/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts who is inside, lets nobody else in once it is closed, and tells exactly one party that the last one left.
 */
#ifndef VD_GATE_H
#define VD_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero is an open gate with nobody inside. */
struct vd_gate {
    _Atomic uint64_t state;
};

/* Goes in; false: the gate is closed, and what was done before the closing is seen. */
bool vd_gate_enter(struct vd_gate *gate);

/* Goes out. True: the gate is closed and nobody is left inside. The caller no longer counts on the gate's memory. */
bool vd_gate_leave(struct vd_gate *gate);

/* Closes an open gate. True: nobody is inside. */
bool vd_gate_close(struct vd_gate *gate);

#endif
