/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known of the writes to a disk: whether some are not flushed, and whether some may be lost.
 */
#ifndef VD_FLUSH_STATE_H
#define VD_FLUSH_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero: nothing was written. */
struct vd_flush_state {
    /* Writes completed, whatever their result, and how many of them the last good flush covers. */
    _Atomic uint64_t done;
    _Atomic uint64_t flushed;
    /* The first flush error not yet acknowledged, or 0. */
    _Atomic int error;
};

/* Notes that a write has completed. To be called before anybody can learn of it. */
static inline void vd_flush_state_write_done(struct vd_flush_state *flush_state)
{
    /* Release: pairs with vd_flush_state_mark, so that a flush started after this write covers it. */
    atomic_fetch_add_explicit(&flush_state->done, 1, memory_order_release);
}

/* Before a flush is started: the mark to give to vd_flush_state_flushed. */
uint64_t vd_flush_state_mark(struct vd_flush_state *flush_state);

/* A flush has ended with `result`. Returns what to tell of it: an error not yet acknowledged comes first. */
int vd_flush_state_flushed(struct vd_flush_state *flush_state, uint64_t mark, int result);

/* The error that every flush is to fail with until it is acknowledged, or 0. */
int vd_flush_state_error(struct vd_flush_state *flush_state);

/*
 * The client is gone, and nothing more will come of the writes that no good flush covers. If there are any, or a flush
 * has failed, the error is -EIO, unless it was another one already.
 */
void vd_flush_state_lose(struct vd_flush_state *flush_state);

void vd_flush_state_acknowledge(struct vd_flush_state *flush_state);

/* Whether a write has completed since the last good flush began. */
bool vd_flush_state_unflushed(struct vd_flush_state *flush_state);

#endif
