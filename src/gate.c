/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include <assert.h>

#define CLOSED (UINT64_C(1) << 63)

bool vd_gate_enter(struct vd_gate *gate)
{
    /* Acquire, here and below: who finds the gate closed sees what its closer did before, as naming a successor. */
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);

    /*
     * Not fetch_add and undo: until the undoing the one who leaves last would not know it, and the undoing could look
     * like the last one's leaving.
     */
    while (!(state & CLOSED)) {
        if (atomic_compare_exchange_weak_explicit(&gate->state, &state, state + 1, memory_order_acquire,
                                                  memory_order_acquire))
            return true;
    }
    return false;
}

bool vd_gate_leave(struct vd_gate *gate)
{
    /*
     * Release: what this party did inside happens before the last one's leaving. Acquire: the last one sees what all
     * others did, since it goes on to tear down what the gate guards.
     */
    uint64_t before = atomic_fetch_sub_explicit(&gate->state, 1, memory_order_acq_rel);

    assert((before & ~CLOSED) > 0);
    return before == (CLOSED | 1);
}

bool vd_gate_close(struct vd_gate *gate)
{
    /* Acquire: as in vd_gate_leave, when nobody is left inside. Release: see vd_gate_enter. */
    uint64_t before = atomic_fetch_or_explicit(&gate->state, CLOSED, memory_order_acq_rel);

    assert(!(before & CLOSED));
    return before == 0;
}
