/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/flush_state.h"

#include <errno.h>

uint64_t vd_flush_state_mark(struct vd_flush_state *flush_state)
{
    /* Acquire: pairs with the release in vd_flush_state_write_done; the flush starts after the writes that it counts.
     */
    return atomic_load_explicit(&flush_state->done, memory_order_acquire);
}

static void raise_flushed(struct vd_flush_state *flush_state, uint64_t mark)
{
    /* Relaxed, here and below: a count that only grows; no other data is read by it. */
    uint64_t flushed = atomic_load_explicit(&flush_state->flushed, memory_order_relaxed);

    /* Flushes can end in another order than they began, so a smaller mark can come later. */
    while (flushed < mark && !atomic_compare_exchange_weak_explicit(&flush_state->flushed, &flushed, mark,
                                                                    memory_order_relaxed, memory_order_relaxed))
        continue;
}

int vd_flush_state_flushed(struct vd_flush_state *flush_state, uint64_t mark, int result)
{
    int none = 0, error;

    /* The first error stays. Relaxed, for `error` in this file: no other data is read by it. */
    if (result < 0)
        atomic_compare_exchange_strong_explicit(&flush_state->error, &none, result, memory_order_relaxed,
                                                memory_order_relaxed);
    else
        raise_flushed(flush_state, mark);
    /* librbd reports an error to one flush only. Another flush that was in flight then must not report success. */
    error = vd_flush_state_error(flush_state);
    return error ? error : result;
}

int vd_flush_state_error(struct vd_flush_state *flush_state)
{
    return atomic_load_explicit(&flush_state->error, memory_order_relaxed);
}

void vd_flush_state_lose(struct vd_flush_state *flush_state)
{
    int error = vd_flush_state_error(flush_state);

    /* The disk has a new client, which is not fenced, so -ESHUTDOWN would be wrong from now on. */
    if ((error == 0 && vd_flush_state_unflushed(flush_state)) || error == -ESHUTDOWN)
        atomic_store_explicit(&flush_state->error, -EIO, memory_order_relaxed);
    raise_flushed(flush_state, vd_flush_state_mark(flush_state));
}

void vd_flush_state_acknowledge(struct vd_flush_state *flush_state)
{
    atomic_store_explicit(&flush_state->error, 0, memory_order_relaxed);
}

bool vd_flush_state_unflushed(struct vd_flush_state *flush_state)
{
    /* Relaxed: counts. A caller that knows of a completed write sees it counted, since it is counted first. */
    return atomic_load_explicit(&flush_state->done, memory_order_relaxed) >
           atomic_load_explicit(&flush_state->flushed, memory_order_relaxed);
}
