/* SPDX-License-Identifier: MIT */
/*
 * Keeps several requests to a disk in flight and returns them in the order in which they were sent.
 *
 * A slot is a buffer and the request that fills or empties it. A user of the ring repeats two steps:
 *
 *   While there is more to do and ring_next is not NULL, it sets up that slot and calls ring_read or ring_write.
 *   It calls ring_wait_oldest, uses the slot that ring_oldest returns, and calls ring_release.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

#include "common/progress.h"

/* Enough to keep the cluster busy while the program fills one buffer or writes it out. */
enum { RING_SLOTS = 8 };

struct ring_slot {
    /* A buffer of ring->chunk bytes. */
    void *data;
    uint64_t offset;
    uint64_t length;
    /* No request was sent, because the range is known to be zero. It can be longer than the buffer. */
    bool is_hole;
    bool is_complete;
    /* 0 or a negative errno. */
    int result;
};

struct ring {
    struct vdisk *disk;
    struct vdisk_queue *queue;
    /* A size in bytes. Requests that do not cross a multiple of it cost least. */
    size_t chunk;
    struct ring_slot slots[RING_SLOTS];
    unsigned int oldest;
    unsigned int used;
};

/* Returns 0 or a negative errno; after a failure there is nothing to destroy. */
int ring_init(struct ring *ring, struct vdisk *disk, struct vdisk_error *err);

/* Waits for the requests in flight, then frees the buffers. */
void ring_destroy(struct ring *ring);

/* Returns the length of the longest range at `offset` that crosses no multiple of the chunk, but at most `limit`. */
size_t ring_chunk_at(const struct ring *ring, uint64_t offset, uint64_t limit);

/* Returns the slot that the next request will use, or NULL until one of the slots in use is released. */
struct ring_slot *ring_next(struct ring *ring);

/* Send the next slot. The caller has set `offset`, `length` and, to write, the data. Return 0 or a negative errno. */
int ring_read(struct ring *ring);
int ring_write(struct ring *ring);

/* Makes the next slot a hole and sends no request. The caller has set `offset` and `length`. */
void ring_skip(struct ring *ring);

/* Returns the slot that has been in use longest, or NULL if none is in use. */
struct ring_slot *ring_oldest(struct ring *ring);

/*
 * Marks the slots whose requests have completed. If there are none, waits up to `timeout_ms` for one (0: not at all,
 * -1: without limit). Returns 0 or a negative errno.
 */
int ring_reap(struct ring *ring, int timeout_ms);

/*
 * Waits until the oldest slot is complete, and redraws the progress bar meanwhile. Returns that slot's result, or a
 * negative errno of the queue.
 */
int ring_wait_oldest(struct ring *ring, struct progress *progress);

/* Frees the oldest slot, which must be complete, for another request. */
void ring_release(struct ring *ring);

#endif
