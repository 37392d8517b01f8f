/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The requests and flights of a queue that are not in use.
 */
#ifndef VD_POOL_H
#define VD_POOL_H

#include "base/container.h"
#include "io/fate.h"
#include "io/queue.h"

/* A flight that is the disk's too, since what it wrote is unsettled. */
void vd_pool_leave_to_disk(struct vdisk_queue *queue, struct vd_flight *flight);

static inline void vd_pool_put_bounce(struct vdisk_queue *queue, struct vd_flight *flight)
{
    void *bounce = flight->bounce;
    uint64_t length = flight->bounce_length;

    flight->bounce = NULL;
    flight->bounce_length = 0;
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
static inline struct vd_flight *vd_pool_get_flight(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->idle_flights;

    if (!node)
        return vd_flight_new(&queue->mailbox, vd_fate_land);
    queue->idle_flights = node->next;
    return VD_CONTAINER_OF(node, struct vd_flight, entry.node);
}

/* A request that did not start, or was delivered, is for use again, and with it what it holds. */
static inline void vd_pool_release(struct vdisk_queue *queue, struct vd_request *request)
{
    struct vd_flight *flight = vd_request_release(request);

    request->entry.node.next = queue->idle;
    queue->idle = &request->entry.node;
    if (!flight)
        return;
    if (!vd_flight_is_free(flight)) {
        vd_pool_leave_to_disk(queue, flight);
        return;
    }
    flight->entry.node.next = queue->idle_flights;
    queue->idle_flights = &flight->entry.node;
    vd_pool_put_bounce(queue, flight);
}

#endif
