/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/submit.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <vdisk/io.h>

#include "base/attributes.h"
#include "io/expiry.h"
#include "io/plug.h"
#include "io/pool.h"
#include "io/queue.h"
#include "io/rbd_io_state.h"

static int arm(struct vdisk_queue *queue, struct vd_request *request, const struct vdisk *disk)
{
    return disk->limits.io_timeout_ms ? vd_expiry_arm(&queue->expiry, &request->deadline, disk->limits.io_timeout_ms)
                                      : 0;
}

/* Adds the request to an I/O in the plug. The I/O has entered the view once already, so this entering is undone. */
static int join(struct vdisk_queue *queue, struct vd_request *request, struct vd_rbd_io *io,
                const struct vd_transfer *transfer)
{
    int r = vd_request_join(request, io, transfer);

    if (r < 0)
        return r;
    queue->joined++;
    vd_view_leave(transfer->view);
    return 0;
}

VD_NOINLINE static int wait_in_plug(struct vdisk_queue *queue, struct vd_request *request,
                                    const struct vd_transfer *transfer)
{
    struct vd_rbd_io *io = vd_plug_find(queue, transfer);
    int r;

    if (io)
        return join(queue, request, io, transfer);
    io = vd_pool_get_rbd_io(queue);
    if (!io)
        return -ENOMEM;
    r = vd_request_prepare_plugged(request, io, transfer, &queue->bounce, vd_plug_room(queue, transfer));
    if (r == 0)
        vd_plug_add(queue, io);
    return r;
}

static int start(struct vdisk_queue *queue, struct vd_request *request, const struct vd_transfer *transfer)
{
    struct vd_rbd_io *io;
    int r;

    if (queue->plugged && vd_plug_takes(transfer))
        return wait_in_plug(queue, request, transfer);
    io = vd_pool_get_rbd_io(queue);
    if (!io)
        return -ENOMEM;
    r = vd_request_prepare(request, io, transfer, &queue->bounce);
    return r < 0 ? r : vd_rbd_io_start(io);
}

/* Makes a request idle again that could not be started. */
VD_COLD static int undo_accept(struct vdisk_queue *queue, struct vd_request *request, int result)
{
    vd_expiry_disarm(&queue->expiry, &request->deadline);
    vd_pool_put_request(queue, request);
    return result;
}

static int accept_request(struct vdisk_queue *queue, const struct vd_transfer *transfer, void *user_data)
{
    struct vd_request *request = queue->in_flight < queue->depth ? vd_pool_get_request(queue) : NULL;
    int r;

    if (!request)
        return -EAGAIN;
    request->user_data = user_data;
    r = arm(queue, request, transfer->disk);
    if (r == 0)
        r = start(queue, request, transfer);
    if (r < 0)
        return undo_accept(queue, request, r);
    vd_request_started(request);
    queue->in_flight++;
    queue->unfinished++;
    return 0;
}

static int check_submission(const struct vd_transfer *transfer)
{
    if (vd_disk_has_too_many_detached(transfer->disk))
        return -ENOBUFS;
    if (vd_view_holds(transfer->view, transfer->offset, transfer->length) || transfer->was_inside)
        return 0;
    return -EINVAL;
}

VD_COLD static int refuse(struct vdisk_queue *queue, const struct vd_transfer *transfer, int result)
{
    vd_view_leave(transfer->view);
    /* Requests in the plug use up the depth and the bounce memory. They complete only once they are sent. */
    if (result == -EAGAIN)
        vd_plug_send(queue);
    return result;
}

int vd_queue_submit(struct vdisk_queue *queue, struct vd_transfer *transfer, void *user_data)
{
    int r;

    /* A flush must cover the writes accepted before it, and a durable write must not overtake them. */
    if (queue->plugged_ios && (transfer->kind == VD_REQUEST_FLUSH || transfer->flags & VDISK_IO_FUA))
        vd_plug_send(queue);
    transfer->view = vd_disk_enter(transfer->disk);
    if (!transfer->view)
        return -ESHUTDOWN;
    r = check_submission(transfer);
    if (r == 0)
        r = accept_request(queue, transfer, user_data);
    return r == 0 ? 0 : refuse(queue, transfer, r);
}
