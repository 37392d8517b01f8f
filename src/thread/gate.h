/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A gate counts how many callers are inside. Once it is closed, nobody else can enter. Exactly one caller learns that
 * nobody is left inside: the last one that leaves, or the one that closes an empty gate.
 */
#ifndef VD_GATE_H
#define VD_GATE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero is an open gate with nobody inside. */
struct vd_gate {
    _Atomic uint64_t state;
};

#define VD_GATE_CLOSED (UINT64_C(1) << 63)

/* Enters. Returns false if the gate is closed; the caller then sees what the closer did before closing it. */
static inline bool vd_gate_enter(struct vd_gate *gate)
{
    /*
     * Acquire, here and below: pairs with the release in vd_gate_close. A caller that finds the gate closed sees what
     * the closer did before, such as publishing a successor.
     */
    uint64_t state = atomic_load_explicit(&gate->state, memory_order_acquire);

    /*
     * A fetch_add that is undone when the gate is closed would be wrong. Until it is undone, the last caller inside
     * would leave without learning that it is the last. And undoing it could look like the last caller's leaving.
     */
    while (!(state & VD_GATE_CLOSED)) {
        if (atomic_compare_exchange_weak_explicit(&gate->state, &state, state + 1, memory_order_acquire,
                                                  memory_order_acquire))
            return true;
    }
    return false;
}

/*
 * Leaves. Returns true if the gate is closed and nobody is left inside. On false, the gate's memory may be freed at any
 * time, so the caller must not use it any more.
 */
static inline bool vd_gate_leave(struct vd_gate *gate)
{
    /*
     * Release: what this caller did inside happens before the last caller leaves, or before vd_gate_close finds nobody
     * inside. Acquire: the last caller sees what all others did inside, because it goes on to tear down what the gate
     * protects.
     */
    uint64_t before = atomic_fetch_sub_explicit(&gate->state, 1, memory_order_acq_rel);

    /* This one comparison finds that the gate is open and somebody was inside. A count of 0 fails it as well. */
    if (before - 1 < VD_GATE_CLOSED - 1)
        return false;
    assert((before & ~VD_GATE_CLOSED) > 0);
    return before == (VD_GATE_CLOSED | 1);
}

/* Closes an open gate. Returns true if nobody is inside; otherwise the last vd_gate_leave does. Never blocks. */
bool vd_gate_close(struct vd_gate *gate);

#endif
