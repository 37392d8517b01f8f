/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/gate.h"

#include <assert.h>

bool vd_gate_close(struct vd_gate *gate)
{
    /*
     * Acquire: pairs with the release in vd_gate_leave; if nobody is inside, the closer sees what all others did
     * inside. Release: pairs with the acquire in vd_gate_enter, which sees what the closer did before.
     */
    uint64_t before = atomic_fetch_or_explicit(&gate->state, VD_GATE_CLOSED, memory_order_acq_rel);

    assert(!(before & VD_GATE_CLOSED));
    return before == 0;
}
