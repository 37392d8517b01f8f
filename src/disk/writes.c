/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/writes.h"

#include <errno.h>

uint64_t vd_writes_mark(struct vd_writes *writes)
{
    return atomic_load_explicit(&writes->done, memory_order_acquire);
}

static void raise_flushed(struct vd_writes *writes, uint64_t mark)
{
    uint64_t flushed = atomic_load_explicit(&writes->flushed, memory_order_relaxed);

    /* Relaxed: a count that only grows and guards no other data. Flushes can end in another order than they began. */
    while (flushed < mark && !atomic_compare_exchange_weak_explicit(&writes->flushed, &flushed, mark,
                                                                    memory_order_relaxed, memory_order_relaxed))
        continue;
}

int vd_writes_flushed(struct vd_writes *writes, uint64_t mark, int result)
{
    int none = 0, error;

    /* The first error stays. Relaxed: no other data is read by it. */
    if (result < 0)
        atomic_compare_exchange_strong_explicit(&writes->error, &none, result, memory_order_relaxed,
                                                memory_order_relaxed);
    else
        raise_flushed(writes, mark);
    /* librbd tells an error to one flush only; another one in flight at the time must not claim that all is well. */
    error = vd_writes_error(writes);
    return error ? error : result;
}

int vd_writes_error(struct vd_writes *writes)
{
    return atomic_load_explicit(&writes->error, memory_order_relaxed);
}

void vd_writes_lose(struct vd_writes *writes)
{
    int error = vd_writes_error(writes);

    /* With another client, -ESHUTDOWN would say what is not so any more. */
    if ((error == 0 && vd_writes_unflushed(writes)) || error == -ESHUTDOWN)
        atomic_store_explicit(&writes->error, -EIO, memory_order_relaxed);
    raise_flushed(writes, vd_writes_mark(writes));
}

void vd_writes_acknowledge(struct vd_writes *writes)
{
    atomic_store_explicit(&writes->error, 0, memory_order_relaxed);
}

bool vd_writes_unflushed(struct vd_writes *writes)
{
    return atomic_load_explicit(&writes->done, memory_order_relaxed) >
           atomic_load_explicit(&writes->flushed, memory_order_relaxed);
}
