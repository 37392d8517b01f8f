/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "iov.h"

void vd_request_init(struct vd_request *request, struct vd_mailbox *mailbox)
{
    request->letter.kind = VD_LETTER_REQUEST;
    request->mailbox = mailbox;
    request->iov = request->inline_iov;
    request->iov_capacity = VD_REQUEST_INLINE_IOV;
}

void vd_request_destroy(struct vd_request *request)
{
    if (request->iov != request->inline_iov)
        free(request->iov);
}

/* Copies the caller's array, since rbd_aio_readv keeps a pointer to it; a longer one is kept for the next time. */
static int copy_iov(struct vd_request *request, const struct vd_transfer *transfer)
{
    int count = vd_iov_slice_count(transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);

    if (count > request->iov_capacity) {
        struct iovec *longer = malloc((size_t)count * sizeof *longer);

        if (!longer)
            return -ENOMEM;
        vd_request_destroy(request);
        request->iov = longer;
        request->iov_capacity = count;
    }
    vd_iov_slice(request->iov, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
    request->iovcnt = count;
    return 0;
}

int vd_request_prepare(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    bool gathered = pool && transfer->kind == VD_REQUEST_WRITE;
    int r;

    assert(request->state == VD_REQUEST_IDLE);
    request->state = VD_REQUEST_PREPARED;
    request->disk = transfer->disk;
    request->view = transfer->view;
    request->kind = transfer->kind;
    request->offset = transfer->offset;
    request->length = transfer->length;
    request->bounce = NULL;
    request->iovcnt = 0;
    request->result = 0;
    request->valid = 0;
    if (transfer->length == 0)
        return 0;
    if (!gathered) {
        r = copy_iov(request, transfer);
        if (r < 0)
            return r;
    }
    if (!pool)
        return 0;
    r = vd_bounce_get(&request->bounce, pool, transfer->length);
    if (r == 0 && gathered)
        vd_iov_gather(request->bounce, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
    return r;
}

void vd_request_taken(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_STARTED);
    request->state = VD_REQUEST_DONE;
}

void vd_request_release(struct vd_request *request, struct vd_bounce *pool)
{
    assert(request->state == VD_REQUEST_PREPARED || request->state == VD_REQUEST_DONE);
    request->state = VD_REQUEST_IDLE;
    if (request->bounce)
        vd_bounce_put(pool, request->bounce, request->length);
    request->bounce = NULL;
}

/* The way back, on librbd's thread or the worker's. */

/* The result is known. From the post on, the request is the queue's; from leaving the view on, the disk can go. */
static void post(struct vd_request *request)
{
    struct vd_view *view = request->view;

    vd_mailbox_post(request->mailbox, &request->letter.node);
    vd_view_leave(view);
}

static bool is_inside(const struct vd_request *request)
{
    return vd_view_holds(request->view, request->offset, request->length);
}

static void conclude(struct vd_request *request, ssize_t result)
{
    request->result = result < 0 ? (int)result : 0;
    vd_handle_note_result(request->disk, request->result);
    switch (request->kind) {
    case VD_REQUEST_READ:
        request->valid = result > 0 ? (uint64_t)result : 0;
        assert(request->valid <= request->length);
        break;
    case VD_REQUEST_WRITE:
        vd_writes_done(&request->disk->writes);
        /* librbd cuts a write off at the end of the image and calls it a success. */
        if (result >= 0 && !is_inside(request))
            request->result = -EIO;
        break;
    case VD_REQUEST_FLUSH:
        request->result = vd_writes_flushed(&request->disk->writes, request->flush_mark, request->result);
        break;
    }
    post(request);
}

/*
 * librbd says -EINVAL to a request that starts past the end of the image. It was inside when it was accepted, so the
 * image has shrunk, unless the error has another cause: the size tells, once it is asked for. Of a read that starts
 * inside there would be data, so that for it the error stays one.
 */
static void run_settle(struct vd_work *work)
{
    struct vd_request *request = VD_CONTAINER_OF(work, struct vd_request, settle);
    ssize_t result = -EINVAL;

    vd_handle_refresh_size(request->disk, request->view);
    if (request->kind == VD_REQUEST_READ && !vd_view_holds(request->view, request->offset, 1))
        result = 0;
    if (request->kind == VD_REQUEST_WRITE && !is_inside(request))
        result = -EIO;
    conclude(request, result);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct vd_request *request = arg;
    ssize_t result = rbd_aio_get_return_value(completion);

    rbd_aio_release(completion);
    if (result == -EINVAL && request->kind != VD_REQUEST_FLUSH) {
        request->settle.run = run_settle;
        vd_worker_post(&request->disk->connection->worker, &request->settle);
        return;
    }
    conclude(request, result);
}

/* The way there. */

static int start_read(struct vd_request *request, rbd_completion_t completion)
{
    rbd_image_t image = request->view->image;

    if (request->bounce)
        return rbd_aio_read(image, request->offset, request->length, request->bounce, completion);
    return rbd_aio_readv(image, request->iov, request->iovcnt, request->offset, completion);
}

static int start_write(struct vd_request *request, rbd_completion_t completion)
{
    rbd_image_t image = request->view->image;

    if (request->bounce)
        return rbd_aio_write(image, request->offset, request->length, request->bounce, completion);
    return rbd_aio_writev(image, request->iov, request->iovcnt, request->offset, completion);
}

static int start_flush(struct vd_request *request, rbd_completion_t completion)
{
    request->flush_mark = vd_writes_mark(&request->disk->writes);
    return rbd_aio_flush(request->view->image, completion);
}

/* Whether the result is known without librbd. */
static bool is_done(struct vd_request *request)
{
    if (request->kind != VD_REQUEST_FLUSH)
        return request->length == 0;
    request->result = vd_writes_error(&request->disk->writes);
    return request->disk->read_only || request->result < 0;
}

int vd_request_start(struct vd_request *request)
{
    rbd_completion_t completion;
    int r;

    assert(request->state == VD_REQUEST_PREPARED);
    if (is_done(request)) {
        request->state = VD_REQUEST_STARTED;
        post(request);
        return 0;
    }
    r = rbd_aio_create_completion(request, completed, &completion);
    if (r < 0)
        return r;
    request->state = VD_REQUEST_STARTED;
    switch (request->kind) {
    case VD_REQUEST_READ:
        r = start_read(request, completion);
        break;
    case VD_REQUEST_WRITE:
        r = start_write(request, completion);
        break;
    case VD_REQUEST_FLUSH:
        r = start_flush(request, completion);
        break;
    }
    /* When librbd has taken it, it can be long done: neither it nor the request is looked at again. */
    if (r >= 0)
        return 0;
    request->state = VD_REQUEST_PREPARED;
    rbd_aio_release(completion);
    return r;
}

void vd_request_deliver(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_DONE);
    if (request->kind != VD_REQUEST_READ || request->result < 0)
        return;
    if (request->bounce)
        vd_iov_scatter(request->iov, request->iovcnt, request->bounce, request->valid);
    if (request->valid < request->length)
        vd_iov_zero(request->iov, request->iovcnt, request->valid);
}
