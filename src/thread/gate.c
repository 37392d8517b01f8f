/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/gate.h"

#include <assert.h>

bool vd_gate_close(struct vd_gate *gate)
{
    /* Acquire: as in vd_gate_leave, when nobody is left inside. Release: see vd_gate_enter. */
    uint64_t before = atomic_fetch_or_explicit(&gate->state, VD_GATE_CLOSED, memory_order_acq_rel);

    assert(!(before & VD_GATE_CLOSED));
    return before == 0;
}
