/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Knows whether some completed writes to a disk are not flushed, and whether some may be lost.
 */
#ifndef VD_FLUSH_STATE_H
#define VD_FLUSH_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was written. */
struct vd_flush_state {
    /* How many writes have completed, with any result, and how many of them the good flushes cover. */
    _Atomic uint64_t done;
    _Atomic uint64_t flushed;
    /* The first flush error that is not acknowledged, or 0. */
    _Atomic int error;
};

/*
 * Notes that a write has completed. Call it before the caller can learn of the completion. Any thread, never blocks; as
 * all functions here.
 */
static inline void vd_flush_state_write_done(struct vd_flush_state *flush_state)
{
    /* Release: pairs with vd_flush_state_mark, so that a flush started after this write covers it. */
    atomic_fetch_add_explicit(&flush_state->done, 1, memory_order_release);
}

/* Returns the mark of a flush that is about to start, for vd_flush_state_flushed. */
uint64_t vd_flush_state_mark(struct vd_flush_state *flush_state);

/*
 * Notes that the flush with this mark has ended with `result`. Returns the result to tell the caller: an error that is
 * not acknowledged takes precedence.
 */
int vd_flush_state_flushed(struct vd_flush_state *flush_state, uint64_t mark, int result);

/* Returns the error that every flush must fail with until it is acknowledged, or 0. */
int vd_flush_state_error(struct vd_flush_state *flush_state);

/*
 * Notes that the client is fenced and replaced, so writes that no good flush covers may be lost. If there are such
 * writes and no error yet, the error becomes -EIO. An error of -ESHUTDOWN becomes -EIO; any other stays.
 */
void vd_flush_state_lose(struct vd_flush_state *flush_state);

/* Clears the error. */
void vd_flush_state_acknowledge(struct vd_flush_state *flush_state);

/* Returns whether a write has completed that no good flush covers. */
bool vd_flush_state_unflushed(struct vd_flush_state *flush_state);

#endif
