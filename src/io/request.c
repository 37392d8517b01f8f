/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/request.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/iov.h"
#include "io/rbd_io_state.h"

void vd_request_init(struct vd_request *request)
{
    request->entry.kind = VD_ENTRY_REQUEST;
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
}

/*
 * Copies the caller's array, because rbd_aio_readv keeps a pointer to it. An allocated array stays with the request for
 * the next use.
 */
VD_NOINLINE static int copy_iov_array(struct vd_request *request, const struct vd_transfer *transfer)
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

static void copy_iov_one(struct vd_request *request, const struct vd_transfer *transfer)
{
    request->iov[0].iov_base = (char *)transfer->iov->iov_base + transfer->skip;
    request->iov[0].iov_len = transfer->length;
    request->iovcnt = 1;
}

static int copy_iov(struct vd_request *request, const struct vd_transfer *transfer)
{
    if (transfer->iovcnt != 1)
        return copy_iov_array(request, transfer);
    copy_iov_one(request, transfer);
    return 0;
}

static void gather(struct vd_rbd_io *io, uint64_t at, const struct vd_transfer *transfer)
{
    vd_iov_gather((char *)io->bounce + at, transfer->iov, transfer->iovcnt, transfer->skip, transfer->length);
}

/* In the bounce buffer of a compare-and-write, the bytes to compare with follow the bytes to write. */
VD_NOINLINE static int gather_data(struct vd_rbd_io *io, const struct vd_transfer *transfer)
{
    gather(io, 0, transfer);
    if (transfer->compare)
        memcpy((char *)io->bounce + transfer->length, transfer->compare, transfer->length);
    return 0;
}

static int get_bounce(struct vd_rbd_io *io, struct vd_bounce *pool, uint64_t length)
{
    io->bounce_length = length;
    return vd_bounce_get(&io->bounce, pool, length);
}

static int fill_bounce(struct vd_request *request, const struct vd_transfer *transfer)
{
    return transfer->kind == VD_REQUEST_READ ? copy_iov(request, transfer) : gather_data(request->io, transfer);
}

static int prepare_bounce(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool)
{
    uint64_t length = transfer->compare ? 2 * transfer->length : transfer->length;
    int r = get_bounce(request->io, pool, length);

    return r < 0 ? r : fill_bounce(request, transfer);
}

/* Has librbd use the caller's memory: gives the I/O the request's copy of the array. */
VD_NOINLINE static int pass_iov_array(struct vd_request *request, const struct vd_transfer *transfer)
{
    int r = copy_iov_array(request, transfer);

    request->io->iov = request->iov;
    request->io->iovcnt = request->iovcnt;
    return r;
}

static int pass_iov(struct vd_request *request, const struct vd_transfer *transfer)
{
    if (transfer->iovcnt != 1)
        return pass_iov_array(request, transfer);
    copy_iov_one(request, transfer);
    request->io->iov = request->iov;
    request->io->iovcnt = 1;
    return 0;
}

/*
 * Decides how the data of a new I/O moves; the reasons are at enum vd_buffer. `is_plugged`: the I/O waits in a plug,
 * which takes only requests with data and without VDISK_IO_ZERO_COPY.
 */
static inline enum vd_buffer choose_buffer(const struct vd_transfer *transfer, bool is_plugged)
{
    const struct vdisk *disk = transfer->disk;

    if (is_plugged)
        return VD_BUFFER_BOUNCE;
    if (transfer->length == 0 || transfer->iovcnt == 0)
        return VD_BUFFER_NONE;
    if (transfer->flags & VDISK_IO_ZERO_COPY)
        return VD_BUFFER_LENT;
    if (transfer->kind != VD_REQUEST_WRITE || !disk->limits.copies_writes)
        return VD_BUFFER_BOUNCE;
    if (vd_write_barrier_any(&disk->write_barrier) || (transfer->flags & VDISK_IO_FUA && transfer->iovcnt > 1))
        return VD_BUFFER_BOUNCE;
    return VD_BUFFER_COPIED_BY_LIBRBD;
}

static void make_member(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer,
                        uint64_t at)
{
    assert(request->state == VD_REQUEST_IDLE);
    request->state = VD_REQUEST_PREPARED;
    request->io = io;
    request->next = NULL;
    request->at = at;
    request->length = transfer->length;
}

static void make_io(struct vd_rbd_io *io, struct vd_request *first, const struct vd_transfer *transfer)
{
    io->first = first;
    io->last = first;
    io->members = 1;
    io->disk = transfer->disk;
    io->view = transfer->view;
    io->kind = transfer->kind;
    io->flags = transfer->flags;
    io->offset = transfer->offset;
    io->length = transfer->length;
    io->iovcnt = 0;
}

int vd_request_prepare(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer,
                       struct vd_bounce *pool)
{
    make_member(request, io, transfer, 0);
    make_io(io, request, transfer);
    io->buffer = choose_buffer(transfer, false);
    switch (io->buffer) {
    case VD_BUFFER_NONE:
        return 0;
    case VD_BUFFER_BOUNCE:
        return prepare_bounce(request, transfer, pool);
    case VD_BUFFER_COPIED_BY_LIBRBD:
    case VD_BUFFER_LENT:
        break;
    }
    return pass_iov(request, transfer);
}

int vd_request_prepare_plugged(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer,
                               struct vd_bounce *pool, uint64_t room)
{
    int r;

    make_member(request, io, transfer, 0);
    make_io(io, request, transfer);
    io->buffer = choose_buffer(transfer, true);
    r = get_bounce(io, pool, room);
    /* The pool is too full for `room` bytes, which include space for requests that may follow. */
    if (r == -EAGAIN)
        r = get_bounce(io, pool, transfer->length);
    return r < 0 ? r : fill_bounce(request, transfer);
}

int vd_request_join(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer)
{
    uint64_t at = io->length - transfer->length;
    int r = 0;

    if (transfer->kind == VD_REQUEST_READ)
        r = copy_iov(request, transfer);
    else
        gather(io, at, transfer);
    if (r < 0) {
        io->length = at;
        return r;
    }
    make_member(request, io, transfer, at);
    io->last->next = request;
    io->last = request;
    io->members++;
    return 0;
}

/* Removes a cancelled member from its I/O, which continues for the others. */
static void leave_io(struct vd_request *request)
{
    struct vd_rbd_io *io = request->io;
    struct vd_request *before = NULL;

    for (struct vd_request *member = io->first; member != request; member = member->next)
        before = member;
    if (before)
        before->next = request->next;
    else
        io->first = request->next;
    if (io->last == request)
        io->last = before;
    io->members--;
    request->io = NULL;
}

int vd_request_cancel(struct vd_request *request, struct vd_bounce *pool, int result)
{
    uint64_t bounce_length = request->io->bounce_length;

    assert(request->state == VD_REQUEST_STARTED);
    switch (vd_rbd_io_cancel(request->io)) {
    case VD_CANCEL_BUSY:
        return -EBUSY;
    case VD_CANCEL_TOO_LATE:
        return -EALREADY;
    case VD_CANCELLED_MEMBER:
        leave_io(request);
        break;
    case VD_CANCELLED_DETACHED:
        vd_bounce_give_away(pool, bounce_length);
        request->io = NULL;
        break;
    case VD_CANCELLED_BLOCKED:
        break;
    }
    request->state = VD_REQUEST_DONE;
    request->result = result;
    return 0;
}

/* librbd has delivered fewer bytes of the I/O than were asked for. The rest of the caller's buffers is zeroed. */
VD_NOINLINE static void deliver_short(const struct vd_request *request)
{
    const struct vd_rbd_io *io = request->io;
    uint64_t valid = io->valid > request->at ? io->valid - request->at : 0;

    if (io->buffer == VD_BUFFER_BOUNCE)
        vd_iov_scatter(request->iov, request->iovcnt, (const char *)io->bounce + request->at, valid);
    vd_iov_zero(request->iov, request->iovcnt, valid);
}

static void deliver_data(const struct vd_request *request)
{
    const struct vd_rbd_io *io = request->io;

    if (io->valid < request->at + request->length)
        deliver_short(request);
    else if (io->buffer == VD_BUFFER_BOUNCE)
        vd_iov_scatter(request->iov, request->iovcnt, (const char *)io->bounce + request->at, request->length);
}

void vd_request_deliver(struct vd_request *request, struct vdisk_completion *completion)
{
    assert(request->state == VD_REQUEST_DONE);
    completion->user_data = request->user_data;
    completion->result = request->result;
    if (request->result == -EILSEQ)
        completion->value = request->io->mismatch;
    if (request->result == 0 && request->io->kind == VD_REQUEST_READ)
        deliver_data(request);
}
