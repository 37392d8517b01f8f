/* SPDX-License-Identifier: MIT */
/*
 * Some requests in flight at a time, handed back in the order in which they were sent.
 *
 * A slot is a buffer and the request that fills or empties it. The loop of a user:
 *
 *   while there is more to do and ring_next(ring) is not NULL: set that slot up, ring_read or ring_write
 *   ring_reap until ring_oldest(ring) is complete, use it, ring_release
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

#include "common/progress.h"

/* Enough to keep the cluster busy while one buffer is being written out or filled. */
enum { RING_SLOTS = 8 };

struct ring_slot {
    /* As much memory as ring->chunk says. */
    void *data;
    uint64_t offset;
    uint64_t length;
    /* Nothing is sent: what is there is known to be zeroes, and can be longer than the buffer. */
    bool is_hole;
    bool is_complete;
    /* 0 or a negative errno. */
    int result;
};

struct ring {
    struct vdisk *disk;
    struct vdisk_queue *queue;
    /* Requests that do not cross a multiple of this, in bytes, are the cheapest. */
    size_t chunk;
    struct ring_slot slots[RING_SLOTS];
    unsigned int oldest;
    unsigned int used;
};

/* On failure there is nothing to destroy. */
int ring_init(struct ring *ring, struct vdisk *disk, struct vdisk_error *err);

/* Waits for what is in flight. */
void ring_destroy(struct ring *ring);

/* The longest range from `offset` on that crosses no multiple of the chunk, and is no longer than `limit`. */
size_t ring_chunk_at(const struct ring *ring, uint64_t offset, uint64_t limit);

/* The slot that the next request will use; NULL when all are in flight or not yet released. */
struct ring_slot *ring_next(struct ring *ring);

/* Send the next slot, of which `offset`, `length` and, for a write, the data are set. Return 0 or a negative errno. */
int ring_read(struct ring *ring);
int ring_write(struct ring *ring);

/* Puts the next slot, of which `offset` and `length` are set, in its place without sending it: it is a hole. */
void ring_skip(struct ring *ring);

/* NULL: nothing is in flight. */
struct ring_slot *ring_oldest(struct ring *ring);

/*
 * Takes note of what has completed; waits for up to `timeout_ms` (0: not at all, -1: no limit) for something to.
 * Returns 0 or a negative errno.
 */
int ring_reap(struct ring *ring, int timeout_ms);

/*
 * Waits until the oldest slot is complete, and redraws the progress bar meanwhile. Returns that slot's result, or a
 * negative errno of the queue.
 */
int ring_wait_oldest(struct ring *ring, struct progress *progress);

/* Makes the oldest slot, which must be complete, free for another request. */
void ring_release(struct ring *ring);

#endif
