/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "iov.h"

void vd_request_init(struct vd_request *request)
{
    request->letter.kind = VD_LETTER_GIVEN_UP;
    request->deadline.of = VD_DEADLINE_REQUEST;
    request->iov = request->inline_iov;
    request->iov_capacity = VD_REQUEST_INLINE_IOV;
}

static void free_iov(struct vd_request *request)
{
    if (request->iov != request->inline_iov)
        free(request->iov);
}

void vd_request_destroy(struct vd_request *request)
{
    free_iov(request);
    if (request->flight)
        vd_flight_drop(request->flight);
}

/* Copies the caller's array, since rbd_aio_readv keeps a pointer to it; a longer one is kept for the next time. */
static int copy_iov(struct vd_request *request, const struct vd_transfer *transfer)
{
    int count = vd_iov_slice_count(transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);

    if (count > request->iov_capacity) {
        struct iovec *longer = malloc((size_t)count * sizeof *longer);

        if (!longer)
            return -ENOMEM;
        free_iov(request);
        request->iov = longer;
        request->iov_capacity = count;
    }
    vd_iov_slice(request->iov, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
    request->iovcnt = count;
    return 0;
}

static int get_bounce(struct vd_flight *flight, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    uint64_t length = transfer->compare ? 2 * transfer->length : transfer->length;
    int r = vd_bounce_get(&flight->bounce, pool, length);

    if (r < 0)
        return r;
    flight->bounce_length = length;
    if (!vd_flight_takes_data(transfer->kind))
        return 0;
    vd_iov_gather(flight->bounce, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
    if (transfer->compare)
        memcpy((char *)flight->bounce + transfer->length, transfer->compare, transfer->length);
    return 0;
}

static int prepare_buffers(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    int r = 0;

    request->iovcnt = 0;
    if (transfer->length == 0 || !vd_flight_has_buffers(transfer->kind))
        return 0;
    if (!pool || !vd_flight_takes_data(transfer->kind))
        r = copy_iov(request, transfer);
    if (r == 0 && pool)
        r = get_bounce(request->flight, transfer, pool);
    return r;
}

int vd_request_prepare(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool,
                       struct vd_mailbox *mailbox)
{
    struct vd_flight *flight;
    int r;

    assert(request->state == VD_REQUEST_IDLE);
    request->state = VD_REQUEST_PREPARED;
    if (!request->flight)
        request->flight = vd_flight_new(request, mailbox);
    if (!request->flight)
        return -ENOMEM;
    flight = request->flight;
    flight->disk = transfer->disk;
    flight->view = transfer->view;
    flight->kind = transfer->kind;
    flight->flags = transfer->flags;
    flight->offset = transfer->offset;
    flight->length = transfer->length;
    r = prepare_buffers(request, transfer, pool);
    flight->iov = request->iov;
    flight->iovcnt = request->iovcnt;
    if (r == 0)
        vd_flight_prepare(flight);
    return r;
}

int vd_request_start(struct vd_request *request)
{
    int r;

    assert(request->state == VD_REQUEST_PREPARED);
    request->state = VD_REQUEST_STARTED;
    r = vd_flight_start(request->flight);
    if (r < 0)
        request->state = VD_REQUEST_PREPARED;
    return r;
}

void vd_request_taken(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_STARTED);
    request->state = VD_REQUEST_DONE;
    request->result = request->flight->result;
}

int vd_request_give_up(struct vd_request *request, struct vd_bounce *pool, int result)
{
    uint64_t bounce_length = request->flight->bounce_length;

    assert(request->state == VD_REQUEST_STARTED);
    switch (vd_flight_give_up(request->flight)) {
    case VD_GIVE_UP_NOT:
        return -EBUSY;
    case VD_GIVE_UP_TOO_LATE:
        return -EALREADY;
    case VD_GAVE_UP_DETACHED:
        vd_bounce_give_away(pool, bounce_length);
        request->flight = NULL;
        break;
    case VD_GAVE_UP_HELD:
        break;
    }
    request->state = VD_REQUEST_DONE;
    request->result = result;
    return 0;
}

static void deliver_data(const struct vd_request *request)
{
    const struct vd_flight *flight = request->flight;

    if (flight->bounce)
        vd_iov_scatter(request->iov, request->iovcnt, flight->bounce, flight->valid);
    if (flight->valid < flight->length)
        vd_iov_zero(request->iov, request->iovcnt, flight->valid);
}

void vd_request_deliver(struct vd_request *request, struct vdisk_completion *completion)
{
    assert(request->state == VD_REQUEST_DONE);
    completion->user_data = request->user_data;
    completion->result = request->result;
    if (request->result == -EILSEQ)
        completion->value = request->flight->mismatch;
    if (request->result == 0 && request->flight->kind == VD_REQUEST_READ)
        deliver_data(request);
}

static void release_flight(struct vd_request *request, struct vd_bounce *pool)
{
    struct vd_flight *flight = request->flight;

    if (flight->bounce)
        vd_bounce_put(pool, flight->bounce, flight->bounce_length);
    flight->bounce = NULL;
    flight->bounce_length = 0;
    if (vd_flight_is_free(flight))
        return;
    /* The disk keeps it, since what it wrote is unsettled. */
    vd_flight_drop(flight);
    request->flight = NULL;
}

void vd_request_release(struct vd_request *request, struct vd_bounce *pool)
{
    assert(request->state == VD_REQUEST_PREPARED || request->state == VD_REQUEST_DONE);
    request->state = VD_REQUEST_IDLE;
    if (request->flight)
        release_flight(request, pool);
}
