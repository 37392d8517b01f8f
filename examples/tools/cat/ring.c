/* SPDX-License-Identifier: MIT */
#include "cat/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/tool.h"

/* Smaller requests cost more for each byte. Larger ones need more memory and overflow the caches of the processor. */
enum { CHUNK_MIN = 512 << 10, CHUNK_MAX = 1 << 20, PAGE = 4096 };

/* All sizes are powers of two, so a chunk is either a number of whole objects or an equal part of one. */
static size_t chunk_size(uint64_t optimal)
{
    if (optimal == 0 || optimal > CHUNK_MAX)
        return CHUNK_MAX;
    size_t chunk = (size_t)optimal;
    while (chunk < CHUNK_MIN)
        chunk *= 2;
    return chunk;
}

static int allocate_slots(struct ring *ring, struct vdisk_error *err)
{
    for (unsigned int i = 0; i < RING_SLOTS; i++) {
        ring->slots[i].data = aligned_alloc(PAGE, ring->chunk);
        if (!ring->slots[i].data)
            return tool_fail(err, -ENOMEM, "There is no memory for the buffers.");
    }
    return 0;
}

int ring_init(struct ring *ring, struct vdisk *disk, struct vdisk_error *err)
{
    struct vdisk_info info;
    struct vdisk_queue_options options;
    *ring = (struct ring){.disk = disk};
    vdisk_info_init(&info, sizeof info);
    int result = vdisk_get_info(&info, disk, err);
    if (result < 0)
        return result;
    ring->chunk = chunk_size(info.optimal_io);
    vdisk_queue_options_init(&options, sizeof options);
    options.depth = RING_SLOTS;
    result = vdisk_queue_create(&ring->queue, &options, err);
    if (result == 0)
        result = allocate_slots(ring, err);
    if (result < 0)
        ring_destroy(ring);
    return result;
}

void ring_destroy(struct ring *ring)
{
    /* The library uses the buffers until their requests are reaped. */
    while (vdisk_queue_in_flight(ring->queue) > 0 && ring_reap(ring, -1) == 0)
        continue;
    vdisk_queue_destroy(ring->queue);
    for (unsigned int i = 0; i < RING_SLOTS; i++)
        free(ring->slots[i].data);
}

size_t ring_chunk_at(const struct ring *ring, uint64_t offset, uint64_t limit)
{
    size_t to_bound = ring->chunk - (size_t)(offset % ring->chunk);
    return limit < to_bound ? (size_t)limit : to_bound;
}

static struct ring_slot *next_slot(struct ring *ring)
{
    return &ring->slots[(ring->oldest + ring->used) % RING_SLOTS];
}

struct ring_slot *ring_next(struct ring *ring)
{
    return ring->used < RING_SLOTS ? next_slot(ring) : NULL;
}

typedef int submit_function(struct vdisk_queue *, struct vdisk *, const struct iovec *, int, uint64_t, uint32_t,
                            void *);

/* Only the ring touches its buffers, so the library need not copy them. */
static int submit(struct ring *ring, submit_function *send)
{
    assert(ring->used < RING_SLOTS);
    struct ring_slot *slot = next_slot(ring);
    struct iovec part = {.iov_base = slot->data, .iov_len = slot->length};
    slot->is_complete = false;
    slot->is_hole = false;
    int result = send(ring->queue, ring->disk, &part, 1, slot->offset, VDISK_IO_ZERO_COPY, slot);
    /* The queue has no room until a request completes. */
    while (result == -EAGAIN && vdisk_queue_in_flight(ring->queue) > 0) {
        ring_reap(ring, -1);
        result = send(ring->queue, ring->disk, &part, 1, slot->offset, VDISK_IO_ZERO_COPY, slot);
    }
    if (result == 0)
        ring->used++;
    return result;
}

int ring_read(struct ring *ring)
{
    return submit(ring, vdisk_aio_readv);
}

int ring_write(struct ring *ring)
{
    return submit(ring, vdisk_aio_writev);
}

void ring_skip(struct ring *ring)
{
    assert(ring->used < RING_SLOTS);
    struct ring_slot *slot = next_slot(ring);
    slot->is_hole = true;
    slot->is_complete = true;
    slot->result = 0;
    ring->used++;
}

struct ring_slot *ring_oldest(struct ring *ring)
{
    return ring->used > 0 ? &ring->slots[ring->oldest] : NULL;
}

int ring_reap(struct ring *ring, int timeout_ms)
{
    struct vdisk_completion completions[RING_SLOTS];
    int count = vdisk_queue_wait(ring->queue, completions, 1, RING_SLOTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct ring_slot *slot = completions[i].user_data;
        slot->result = completions[i].result;
        slot->is_complete = true;
    }
    return count < 0 ? count : 0;
}

int ring_wait_oldest(struct ring *ring, struct progress *progress)
{
    const struct ring_slot *slot = &ring->slots[ring->oldest];
    assert(ring->used > 0);
    while (!slot->is_complete) {
        int result = ring_reap(ring, PROGRESS_INTERVAL_MS);
        if (result < 0)
            return result;
        progress_update(progress, progress->done);
    }
    return slot->result;
}

void ring_release(struct ring *ring)
{
    assert(ring->used > 0 && ring->slots[ring->oldest].is_complete);
    ring->oldest = (ring->oldest + 1) % RING_SLOTS;
    ring->used--;
}
