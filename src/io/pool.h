/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue's idle requests and I/Os. Only the queue's thread uses them.
 */
#ifndef VD_POOL_H
#define VD_POOL_H

#include "base/container.h"
#include "io/queue.h"
#include "io/rbd_io_state.h"

/* Drops the queue's reference of an I/O that the write barrier keeps as an untracked write. */
void vd_pool_leave_to_disk(struct vdisk_queue *queue, struct vd_rbd_io *io);

/* Puts the I/O's bounce buffer, if it has one, back into the queue's pool of buffers. */
static inline void vd_pool_put_bounce(struct vdisk_queue *queue, struct vd_rbd_io *io)
{
    void *bounce = io->bounce;
    uint64_t length = io->bounce_length;

    io->bounce = NULL;
    io->bounce_length = 0;
    if (bounce)
        vd_bounce_put(&queue->bounce, bounce, length);
}

/* Returns an idle request; NULL: all are in use. */
static inline struct vd_request *vd_pool_get_request(struct vdisk_queue *queue)
{
    struct vd_request *request;

    if (queue->idle) {
        request = VD_CONTAINER_OF(queue->idle, struct vd_request, entry.node);
        queue->idle = queue->idle->next;
        return request;
    }
    if (queue->touched == queue->depth)
        return NULL;
    /* Requests are set up when first needed, so that a deep queue that is little used costs little memory. */
    request = &queue->requests[queue->touched++];
    vd_request_init(request);
    return request;
}

/* Returns an idle I/O, or a new one; NULL: out of memory. */
static inline struct vd_rbd_io *vd_pool_get_rbd_io(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->idle_ios;

    if (!node)
        return vd_rbd_io_new(&queue->mailbox, vd_rbd_io_complete);
    queue->idle_ios = node->next;
    return VD_CONTAINER_OF(node, struct vd_rbd_io, entry.node);
}

/* Makes a request idle that did not start or was delivered. With its last member, an I/O becomes idle too. */
static inline void vd_pool_put_request(struct vdisk_queue *queue, struct vd_request *request)
{
    struct vd_rbd_io *io = vd_request_reset(request);

    request->entry.node.next = queue->idle;
    queue->idle = &request->entry.node;
    if (!io)
        return;
    if (!vd_rbd_io_is_free(io)) {
        vd_pool_leave_to_disk(queue, io);
        return;
    }
    io->entry.node.next = queue->idle_ios;
    queue->idle_ios = &io->entry.node;
    vd_pool_put_bounce(queue, io);
}

#endif
