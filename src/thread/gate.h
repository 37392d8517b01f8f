/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts who is inside, lets nobody else in once it is closed, and tells exactly one party that the last one left.
 */
#ifndef VD_GATE_H
#define VD_GATE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero is an open gate with nobody inside. */
struct vd_gate {
    _Atomic uint64_t state;
};

#define VD_GATE_CLOSED (UINT64_C(1) << 63)

/* Goes in; false: the gate is closed, and what was done before the closing is seen. */
static inline bool vd_gate_enter(struct vd_gate *gate)
{
    /* Acquire, here and below: who finds the gate closed sees what its closer did before, as naming a successor. */
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);

    /*
     * Not fetch_add and undo: until the undoing the one who leaves last would not know it, and the undoing could look
     * like the last one's leaving.
     */
    while (!(state & VD_GATE_CLOSED)) {
        if (atomic_compare_exchange_weak_explicit(&gate->state, &state, state + 1, memory_order_acquire,
                                                  memory_order_acquire))
            return true;
    }
    return false;
}

/* Goes out. True: the gate is closed and nobody is left inside. The caller no longer counts on the gate's memory. */
static inline bool vd_gate_leave(struct vd_gate *gate)
{
    /*
     * Release: what this party did inside happens before the last one's leaving. Acquire: the last one sees what all
     * others did, since it goes on to tear down what the gate guards.
     */
    uint64_t before = atomic_fetch_sub_explicit(&gate->state, 1, memory_order_acq_rel);

    /* Open, and somebody was inside: in one comparison, which 0 fails as well. */
    if (before - 1 < VD_GATE_CLOSED - 1)
        return false;
    assert((before & ~VD_GATE_CLOSED) > 0);
    return before == (VD_GATE_CLOSED | 1);
}

/* Closes an open gate. True: nobody is inside. */
bool vd_gate_close(struct vd_gate *gate);

#endif
