/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/queue.h>

#include "container.h"
#include "iov.h"
#include "layout.h"

/* What sets the kinds of requests apart. */
struct trait {
    /* Hands the request, or the next piece of it, to librbd. */
    int (*start)(struct vd_request *request, rbd_completion_t completion);
    /* There are buffers of the caller's; what is in them goes to the disk. */
    bool has_buffers;
    bool takes_data;
    /* The disk's data: what librbd calls done must be inside the image, and wants a flush. */
    bool changes;
    bool in_pieces;
};

static const struct trait *trait_of(const struct vd_request *request);

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

static int get_bounce(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    uint64_t length = transfer->compare ? 2 * transfer->length : transfer->length;
    int r = vd_bounce_get(&request->bounce, pool, length);

    request->bounce_length = length;
    if (r < 0 || !trait_of(request)->takes_data)
        return r;
    vd_iov_gather(request->bounce, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
    if (transfer->compare)
        memcpy((char *)request->bounce + transfer->length, transfer->compare, transfer->length);
    return 0;
}

static int prepare_buffers(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    const struct trait *trait = trait_of(request);
    int r = 0;

    if (transfer->length == 0 || !trait->has_buffers)
        return 0;
    if (!pool || !trait->takes_data)
        r = copy_iov(request, transfer);
    if (r == 0 && pool)
        r = get_bounce(request, transfer, pool);
    return r;
}

/*
 * Whether only a flush can make it durable. librbd knows FUA for a write of one buffer, which its caches then do not
 * hold back. It forgets it for zeroes with a write-around cache, and has no such call for several buffers. A
 * compare-and-write goes past every cache.
 */
static bool needs_flush(const struct vd_request *request)
{
    if (!(request->flags & VDISK_IO_FUA))
        return false;
    return request->kind == VD_REQUEST_WRITE_ZEROES ||
           (request->kind == VD_REQUEST_WRITE && !request->bounce && request->iovcnt > 1);
}

/* Pieces end at multiples of their length. Stored zeroes are data that librbd may have to hold in memory. */
static uint64_t next_piece(const struct vd_request *request)
{
    uint64_t left = request->length - request->done;
    uint64_t piece, to_end;

    if (!trait_of(request)->in_pieces)
        return left;
    piece = vd_layout_piece(&request->disk->layout);
    if (request->flags & VDISK_WRITE_ZEROES_THICK && piece > VDISK_MAX_REQUEST)
        piece = VDISK_MAX_REQUEST;
    to_end = piece - (request->offset + request->done) % piece;
    return left < to_end ? left : to_end;
}

int vd_request_prepare(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    int r;

    assert(request->state == VD_REQUEST_IDLE);
    request->state = VD_REQUEST_PREPARED;
    request->disk = transfer->disk;
    request->view = transfer->view;
    request->kind = transfer->kind;
    request->flags = transfer->flags;
    request->offset = transfer->offset;
    request->length = transfer->length;
    request->bounce = NULL;
    request->iovcnt = 0;
    request->result = 0;
    request->valid = 0;
    request->mismatch = 0;
    request->done = 0;
    request->flushing = transfer->kind == VD_REQUEST_FLUSH;
    r = prepare_buffers(request, transfer, pool);
    request->piece = next_piece(request);
    request->flush_after = needs_flush(request);
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
        vd_bounce_put(pool, request->bounce, request->bounce_length);
    request->bounce = NULL;
}

/* The way there. */

static uint64_t piece_offset(const struct vd_request *request)
{
    return request->offset + request->done;
}

static int start_read(struct vd_request *request, rbd_completion_t completion)
{
    rbd_image_t image = request->view->image;

    if (request->bounce)
        return rbd_aio_read(image, request->offset, request->length, request->bounce, completion);
    return rbd_aio_readv(image, request->iov, request->iovcnt, request->offset, completion);
}

static int start_write(struct vd_request *request, rbd_completion_t completion)
{
    const void *data = request->bounce ? request->bounce : request->iov[0].iov_base;
    rbd_image_t image = request->view->image;

    if (request->flags & VDISK_IO_FUA && !request->flush_after)
        return rbd_aio_write2(image, request->offset, request->length, data, completion, LIBRADOS_OP_FLAG_FADVISE_FUA);
    if (request->bounce)
        return rbd_aio_write(image, request->offset, request->length, data, completion);
    return rbd_aio_writev(image, request->iov, request->iovcnt, request->offset, completion);
}

static int start_flush(struct vd_request *request, rbd_completion_t completion)
{
    request->flush_mark = vd_writes_mark(&request->disk->writes);
    return rbd_aio_flush(request->view->image, completion);
}

static int start_discard(struct vd_request *request, rbd_completion_t completion)
{
    return rbd_aio_discard(request->view->image, piece_offset(request), request->piece, completion);
}

static int start_write_zeroes(struct vd_request *request, rbd_completion_t completion)
{
    int flags = request->flags & VDISK_WRITE_ZEROES_THICK ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0;

    return rbd_aio_write_zeroes(request->view->image, piece_offset(request), request->piece, completion, flags, 0);
}

static int start_compare_and_write(struct vd_request *request, rbd_completion_t completion)
{
    const char *compare = (const char *)request->bounce + request->length;

    return (int)rbd_aio_compare_and_write(request->view->image, request->offset, request->length, compare,
                                          request->bounce, completion, &request->mismatch, 0);
}

static const struct trait traits[] = {
    [VD_REQUEST_READ] = {.start = start_read, .has_buffers = true},
    [VD_REQUEST_WRITE] = {.start = start_write, .has_buffers = true, .takes_data = true, .changes = true},
    [VD_REQUEST_FLUSH] = {.start = start_flush},
    [VD_REQUEST_DISCARD] = {.start = start_discard, .changes = true, .in_pieces = true},
    [VD_REQUEST_WRITE_ZEROES] = {.start = start_write_zeroes, .changes = true, .in_pieces = true},
    [VD_REQUEST_COMPARE_AND_WRITE] = {.start = start_compare_and_write,
                                      .has_buffers = true,
                                      .takes_data = true,
                                      .changes = true},
};

static const struct trait *trait_of(const struct vd_request *request)
{
    return &traits[request->kind];
}

static void completed(rbd_completion_t completion, void *arg);

/* Makes the next call of librbd. When that has taken it, it can be long done: the request is not looked at again. */
static int start_step(struct vd_request *request)
{
    rbd_completion_t completion;
    int r = rbd_aio_create_completion(request, completed, &completion);

    if (r < 0)
        return r;
    r = request->flushing ? start_flush(request, completion) : trait_of(request)->start(request, completion);
    if (r < 0)
        rbd_aio_release(completion);
    return r < 0 ? r : 0;
}

/* The way back, on librbd's thread or the worker's. */

/* The result is known. From the post on, the request is the queue's; from leaving the view on, the disk can go. */
static void finish(struct vd_request *request, int result)
{
    struct vd_view *view = request->view;

    request->result = result;
    vd_mailbox_post(request->mailbox, &request->letter.node);
    vd_view_leave(view);
}

static void run_step(struct vd_work *work)
{
    struct vd_request *request = VD_CONTAINER_OF(work, struct vd_request, work);
    int r = start_step(request);

    if (r < 0)
        finish(request, r);
}

static void let_worker(struct vd_request *request, void (*run)(struct vd_work *work))
{
    request->work.run = run;
    vd_worker_post(&request->disk->connection->worker, &request->work);
}

static bool is_inside(const struct vd_request *request)
{
    return vd_view_holds(request->view, piece_offset(request), request->piece);
}

/*
 * librbd 16 takes the place of the mismatch in the range for a place in the object, and tells the offset in the image
 * that this would be. A value that cannot come about like this is of a librbd that tells the mismatch itself.
 */
static void correct_mismatch(struct vd_request *request)
{
    uint64_t place = request->mismatch - vd_layout_object_start(&request->disk->layout, request->offset);

    if (place < request->length)
        request->mismatch = request->offset + place;
}

/* Returns the result to tell of a change. */
static int conclude_change(struct vd_request *request, int result)
{
    if (result == -EILSEQ)
        correct_mismatch(request);
    else
        vd_writes_done(&request->disk->writes);
    /* librbd cuts a range off at the end of the image and calls it a success. */
    return (result == 0 || result == -EILSEQ) && !is_inside(request) ? -EIO : result;
}

/* Returns the result of a call of librbd as it is to be told. */
static int conclude(struct vd_request *request, ssize_t result)
{
    int r = result < 0 ? (int)result : 0;

    vd_handle_note_result(request->disk, r);
    if (request->flushing)
        return vd_writes_flushed(&request->disk->writes, request->flush_mark, r);
    if (trait_of(request)->changes)
        return conclude_change(request, r);
    request->valid = result > 0 ? (uint64_t)result : 0;
    assert(request->valid <= request->length);
    return r;
}

/* Whether another step is to be made. */
static bool next_step(struct vd_request *request)
{
    if (request->flushing)
        return false;
    request->done += request->piece;
    request->piece = next_piece(request);
    request->flushing = request->piece == 0 && request->flush_after;
    return request->piece > 0 || request->flushing;
}

static void advance(struct vd_request *request, ssize_t result)
{
    int r = conclude(request, result);

    if (r == 0 && next_step(request))
        let_worker(request, run_step);
    else
        finish(request, r);
}

/*
 * librbd says -EINVAL to a request that starts past the end of the image. It was inside when it was accepted, so the
 * image has shrunk, unless the error has another cause: the size tells, once it is asked for. Of a read that starts
 * inside there would be data, so that for it the error stays one.
 */
static void run_settle(struct vd_work *work)
{
    struct vd_request *request = VD_CONTAINER_OF(work, struct vd_request, work);
    ssize_t result = -EINVAL;

    vd_handle_refresh_size(request->disk, request->view);
    if (request->kind == VD_REQUEST_READ && !vd_view_holds(request->view, request->offset, 1))
        result = 0;
    if (trait_of(request)->changes && !is_inside(request))
        result = -EIO;
    advance(request, result);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct vd_request *request = arg;
    ssize_t result = rbd_aio_get_return_value(completion);

    rbd_aio_release(completion);
    if (result == -EINVAL && !request->flushing)
        let_worker(request, run_settle);
    else
        advance(request, result);
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
    int r;

    assert(request->state == VD_REQUEST_PREPARED);
    request->state = VD_REQUEST_STARTED;
    if (is_done(request)) {
        finish(request, request->result);
        return 0;
    }
    r = start_step(request);
    if (r < 0)
        request->state = VD_REQUEST_PREPARED;
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
