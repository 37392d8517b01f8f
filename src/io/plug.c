/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/plug.h"

#include <string.h>

#include <vdisk/io.h>

#include "base/attributes.h"
#include "base/container.h"
#include "io/rbd_io_state.h"

/* How many of the latest I/Os are searched for one that a transfer continues: so many streams may be interleaved. */
#define STREAMS 8

static struct vd_rbd_io *io_of(struct vd_node *node)
{
    return VD_CONTAINER_OF(node, struct vd_rbd_io, entry.node);
}

bool vd_plug_takes(const struct vd_transfer *transfer)
{
    bool moves_data = transfer->kind == VD_REQUEST_READ || transfer->kind == VD_REQUEST_WRITE;

    /* A request that an indeterminate write may block must be an I/O of its own: see can_be_blocked. */
    return moves_data && transfer->length > 0 && !(transfer->flags & (VDISK_IO_ZERO_COPY | VDISK_IO_FUA)) &&
           !vd_write_barrier_any(&transfer->disk->write_barrier);
}

/* The longest merged I/O: no longer than an object, so that librbd seldom splits it among several. */
static uint64_t longest_io(const struct vdisk *disk)
{
    return disk->limits.layout.object_size < VDISK_MAX_REQUEST ? disk->limits.layout.object_size : VDISK_MAX_REQUEST;
}

static bool continues(const struct vd_transfer *transfer, const struct vd_rbd_io *io)
{
    /* Two views that are equal belong to the same disk. */
    return io->view == transfer->view && io->kind == transfer->kind && io->flags == transfer->flags &&
           io->offset + io->length == transfer->offset && io->length + transfer->length <= longest_io(transfer->disk);
}

/*
 * Gives an I/O a bounce buffer of at least `length` bytes: twice as large as before if possible, so that growing copies
 * few bytes again.
 */
VD_NOINLINE static bool grow_buffer(struct vdisk_queue *queue, struct vd_rbd_io *io, uint64_t length)
{
    uint64_t room = 2 * io->bounce_length > length ? 2 * io->bounce_length : length;
    void *larger;

    if (room > longest_io(io->disk))
        room = length;
    if (vd_bounce_get(&larger, &queue->bounce, room) < 0)
        return false;
    if (vd_rbd_io_takes_data(io->kind))
        memcpy(larger, io->bounce, io->length);
    vd_bounce_put(&queue->bounce, io->bounce, io->bounce_length);
    io->bounce = larger;
    io->bounce_length = room;
    return true;
}

struct vd_rbd_io *vd_plug_find(struct vdisk_queue *queue, const struct vd_transfer *transfer)
{
    struct vd_node *node = queue->plugged_ios;
    uint64_t length;

    for (int i = 0; node && i < STREAMS; i++, node = node->next) {
        struct vd_rbd_io *io = io_of(node);

        if (!continues(transfer, io))
            continue;
        length = io->length + transfer->length;
        if (length > io->bounce_length && !grow_buffer(queue, io, length))
            return NULL;
        io->length = length;
        return io;
    }
    return NULL;
}

uint64_t vd_plug_room(const struct vdisk_queue *queue, const struct vd_transfer *transfer)
{
    uint64_t most = longest_io(transfer->disk);
    uint64_t hope = queue->last_merged < most ? queue->last_merged : most;

    return hope > transfer->length ? hope : transfer->length;
}

void vd_plug_add(struct vdisk_queue *queue, struct vd_rbd_io *io)
{
    io->entry.node.next = queue->plugged_ios;
    queue->plugged_ios = &io->entry.node;
    io->plugged = true;
    /* Relaxed: vdisk_close reads it, and a caller that closes a disk it has plugged does both on one thread. */
    atomic_fetch_add_explicit(&io->disk->plugged, 1, memory_order_relaxed);
}

static void send_io(struct vdisk_queue *queue, struct vd_rbd_io *io)
{
    io->plugged = false;
    atomic_fetch_sub_explicit(&io->disk->plugged, 1, memory_order_relaxed);
    queue->last_merged = io->members > 1 ? io->length : 0;
    vd_rbd_io_start_accepted(io);
}

void vd_plug_send(struct vdisk_queue *queue)
{
    struct vd_node *node = vd_nodes_reversed(queue->plugged_ios);

    queue->plugged_ios = NULL;
    while (node) {
        struct vd_rbd_io *io = io_of(node);

        node = node->next;
        send_io(queue, io);
    }
}
