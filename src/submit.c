/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way of a request into a queue.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <vdisk/io.h>

#include "container.h"
#include "expiry.h"
#include "fate.h"
#include "plug.h"
#include "queue.h"
#include "rare.h"

static struct vd_request *request_of(struct vd_node *node)
{
    return VD_CONTAINER_OF(node, struct vd_request, letter.node);
}

static struct vd_flight *flight_of(struct vd_node *node)
{
    return VD_CONTAINER_OF(node, struct vd_flight, letter.node);
}

static struct vd_request *get_request(struct vdisk_queue *queue)
{
    struct vd_request *request;

    if (queue->idle) {
        request = request_of(queue->idle);
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

static void put_request(struct vdisk_queue *queue, struct vd_request *request)
{
    request->letter.node.next = queue->idle;
    queue->idle = &request->letter.node;
}

static struct vd_flight *get_flight(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->idle_flights;

    if (!node)
        return vd_flight_new(&queue->mailbox);
    queue->idle_flights = node->next;
    return flight_of(node);
}

static void put_bounce(struct vdisk_queue *queue, struct vd_flight *flight)
{
    void *bounce = flight->bounce;
    uint64_t length = flight->bounce_length;

    flight->bounce = NULL;
    flight->bounce_length = 0;
    if (bounce)
        vd_bounce_put(&queue->bounce, bounce, length);
}

/* What it wrote is unsettled. */
VD_RARE static void leave_to_disk(struct vdisk_queue *queue, struct vd_flight *flight)
{
    if (flight->keeps_buffer)
        vd_bounce_give_away(&queue->bounce, flight->bounce_length);
    else
        put_bounce(queue, flight);
    vd_flight_drop(flight);
}

static void put_flight(struct vdisk_queue *queue, struct vd_flight *flight)
{
    if (!vd_flight_is_free(flight)) {
        leave_to_disk(queue, flight);
        return;
    }
    flight->letter.node.next = queue->idle_flights;
    queue->idle_flights = &flight->letter.node;
    put_bounce(queue, flight);
}

void vd_queue_release(struct vdisk_queue *queue, struct vd_request *request)
{
    struct vd_flight *flight = vd_request_release(request);

    put_request(queue, request);
    if (flight)
        put_flight(queue, flight);
}

static int arm(struct vdisk_queue *queue, struct vd_request *request, const struct vdisk *disk)
{
    return disk->io_timeout_ms ? vd_expiry_arm(queue, &request->deadline, disk->io_timeout_ms) : 0;
}

/* On a flight that waits. The view is that flight's already. */
static int join(struct vdisk_queue *queue, struct vd_request *request, struct vd_flight *flight,
                const struct vd_transfer *transfer)
{
    int r = vd_request_join(request, flight, transfer);

    if (r < 0)
        return r;
    queue->joined++;
    vd_view_leave(transfer->view);
    return 0;
}

VD_APART static int wait_in_plug(struct vdisk_queue *queue, struct vd_request *request,
                                 const struct vd_transfer *transfer)
{
    struct vd_flight *flight = vd_plug_find(queue, transfer);
    int r;

    if (flight)
        return join(queue, request, flight, transfer);
    flight = get_flight(queue);
    if (!flight)
        return -ENOMEM;
    r = vd_request_prepare_to_wait(request, flight, transfer, &queue->bounce, vd_plug_room(queue, transfer));
    if (r == 0)
        vd_plug_add(queue, flight);
    return r;
}

static int start(struct vdisk_queue *queue, struct vd_request *request, const struct vd_transfer *transfer)
{
    struct vd_flight *flight;
    int r;

    if (queue->plugged && vd_plug_takes(transfer))
        return wait_in_plug(queue, request, transfer);
    flight = get_flight(queue);
    if (!flight)
        return -ENOMEM;
    r = vd_request_prepare(request, flight, transfer, &queue->bounce);
    return r < 0 ? r : vd_fate_start(flight);
}

/* A request that was to be accepted. */
VD_RARE static int give_back(struct vdisk_queue *queue, struct vd_request *request, int result)
{
    vd_expiry_disarm(queue, &request->deadline);
    vd_queue_release(queue, request);
    return result;
}

static int accept_request(struct vdisk_queue *queue, const struct vd_transfer *transfer, void *user_data)
{
    struct vd_request *request = queue->in_flight < queue->depth ? get_request(queue) : NULL;
    int r;

    if (!request)
        return -EAGAIN;
    request->user_data = user_data;
    r = arm(queue, request, transfer->disk);
    if (r == 0)
        r = start(queue, request, transfer);
    if (r < 0)
        return give_back(queue, request, r);
    vd_request_started(request);
    queue->in_flight++;
    queue->unfinished++;
    return 0;
}

static int check_submission(const struct vd_transfer *transfer)
{
    if (vd_handle_has_too_many_detached(transfer->disk))
        return -ENOBUFS;
    if (vd_view_holds(transfer->view, transfer->offset, transfer->length) || transfer->was_inside)
        return 0;
    return -EINVAL;
}

VD_RARE static int refuse(struct vdisk_queue *queue, const struct vd_transfer *transfer, int result)
{
    vd_view_leave(transfer->view);
    /* What waits in the plug makes room only when it has been sent. */
    if (result == -EAGAIN)
        vd_plug_send(queue);
    return result;
}

int vd_queue_submit(struct vdisk_queue *queue, struct vd_transfer *transfer, void *user_data)
{
    int r;

    /* What was accepted before it is for a flush to cover, and not to be overtaken by a durable write. */
    if (queue->plugged_flights && (transfer->kind == VD_REQUEST_FLUSH || transfer->flags & VDISK_IO_FUA))
        vd_plug_send(queue);
    transfer->view = vd_handle_enter(transfer->disk);
    if (!transfer->view)
        return -ESHUTDOWN;
    r = check_submission(transfer);
    if (r == 0)
        r = accept_request(queue, transfer, user_data);
    return r == 0 ? 0 : refuse(queue, transfer, r);
}
