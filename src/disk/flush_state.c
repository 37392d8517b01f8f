/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/flush_state.h"

#include <errno.h>

uint64_t vd_flush_state_mark(struct vd_flush_state *flush_state)
{
    return atomic_load_explicit(&flush_state->done, memory_order_acquire);
}

static void raise_flushed(struct vd_flush_state *flush_state, uint64_t mark)
{
    uint64_t flushed = atomic_load_explicit(&flush_state->flushed, memory_order_relaxed);

    /* Relaxed: a count that only grows and guards no other data. Flushes can end in another order than they began. */
    while (flushed < mark && !atomic_compare_exchange_weak_explicit(&flush_state->flushed, &flushed, mark,
                                                                    memory_order_relaxed, memory_order_relaxed))
        continue;
}

int vd_flush_state_flushed(struct vd_flush_state *flush_state, uint64_t mark, int result)
{
    int none = 0, error;

    /* The first error stays. Relaxed: no other data is read by it. */
    if (result < 0)
        atomic_compare_exchange_strong_explicit(&flush_state->error, &none, result, memory_order_relaxed,
                                                memory_order_relaxed);
    else
        raise_flushed(flush_state, mark);
    /* librbd tells an error to one flush only; another one in I/O at the time must not claim that all is well. */
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

    /* With another client, -ESHUTDOWN would say what is not so any more. */
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
    return atomic_load_explicit(&flush_state->done, memory_order_relaxed) >
           atomic_load_explicit(&flush_state->flushed, memory_order_relaxed);
}
