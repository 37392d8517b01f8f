/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The requests and I/Os of a queue that are not in use.
 */
#ifndef VD_POOL_H
#define VD_POOL_H

#include "base/container.h"
#include "io/queue.h"
#include "io/rbd_io_state.h"

/* A I/O that is the disk's too, since what it wrote is unsettled. */
void vd_pool_leave_to_disk(struct vdisk_queue *queue, struct vd_rbd_io *io);

static inline void vd_pool_put_bounce(struct vdisk_queue *queue, struct vd_rbd_io *io)
{
    void *bounce = io->bounce;
    uint64_t length = io->bounce_length;

    io->bounce = NULL;
    io->bounce_length = 0;
    if (bounce)
        vd_bounce_put(&queue->bounce, bounce, length);
}

/* NULL: all are in use. */
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

/* NULL: out of memory. */
static inline struct vd_rbd_io *vd_pool_get_rbd_io(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->idle_ios;

    if (!node)
        return vd_rbd_io_new(&queue->mailbox, vd_rbd_io_complete);
    queue->idle_ios = node->next;
    return VD_CONTAINER_OF(node, struct vd_rbd_io, entry.node);
}

/* A request that did not start, or was delivered, is for use again, and with it what it holds. */
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
