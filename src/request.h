/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request: from the caller's buffers to librbd and back to the mailbox of whoever waits for it.
 *
 *   idle -> prepare -> start -> (librbd's thread) -> posted to the mailbox -> taken -> deliver -> idle
 *
 * Every step but the one in brackets is the queue's thread's. From start until it is taken from the mailbox a request
 * belongs to librbd and its callback; the queue's thread does not touch it.
 *
 * Most take one call of librbd. A long discard takes one for each piece, and some are followed by a flush: then the
 * connection's worker makes the next call when the one before has called back.
 */
#ifndef VD_REQUEST_H
#define VD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "bounce.h"
#include "handle.h"
#include "letter.h"
#include "mailbox.h"
#include "view.h"
#include "worker.h"

enum vd_request_kind {
    VD_REQUEST_READ,
    VD_REQUEST_WRITE,
    VD_REQUEST_FLUSH,
    VD_REQUEST_DISCARD,
    VD_REQUEST_WRITE_ZEROES,
    VD_REQUEST_COMPARE_AND_WRITE,
};

/* Where a request is, as the queue's thread knows it. */
enum vd_request_state {
    VD_REQUEST_IDLE,
    VD_REQUEST_PREPARED,
    /* With librbd, or posted and not yet taken from the mailbox. */
    VD_REQUEST_STARTED,
    /* Taken from the mailbox; its result is final. */
    VD_REQUEST_DONE,
};

/* Buffers that a request holds without allocating: covers the scatter lists of most guests. */
#define VD_REQUEST_INLINE_IOV 8

struct vd_request {
    /* In the list of idle requests, a mailbox, or the queue's list of completed ones. */
    struct vd_letter letter;
    struct vd_mailbox *mailbox;
    struct vdisk *disk;
    /* Entered for the time that librbd has the request. */
    struct vd_view *view;
    void *user_data;

    /* The queue's thread's. */
    enum vd_request_state state;
    enum vd_request_kind kind;
    /* VDISK_IO_..., VDISK_WRITE_ZEROES_... */
    uint32_t flags;
    uint64_t offset;
    uint64_t length;
    /* The bounce buffer, for twice `length` where there is something to compare; NULL: zero-copy, or nothing to move.
     */
    void *bounce;
    uint64_t bounce_length;
    /* Where a read goes, and what a zero-copy write comes from: non-empty buffers of `length` together. */
    struct iovec *iov;
    int iovcnt;
    int iov_capacity;
    struct iovec inline_iov[VD_REQUEST_INLINE_IOV];

    /* With librbd are `piece` bytes, `done` bytes into the range; or a flush, which covers so much (writes.h). */
    uint64_t done;
    uint64_t piece;
    bool flushing;
    uint64_t flush_mark;
    /* There will be one, after all pieces. */
    bool flush_after;
    /* 0 or a negative errno. */
    int result;
    /* Of a good read: how many bytes librbd delivered; the rest is zeroes. */
    uint64_t valid;
    /* Of a compare-and-write with -EILSEQ: where on the disk the first other byte is. Else 0. */
    uint64_t mismatch;
    /* To have the worker do what the callback cannot. */
    struct vd_work work;
};

/* Makes an idle request of zeroed memory; and frees what it holds. */
void vd_request_init(struct vd_request *request, struct vd_mailbox *mailbox);
void vd_request_destroy(struct vd_request *request);

/*
 * What to do: `length` bytes of the buffers in `iov`, from `skip` bytes on, at `offset` of the disk whose view the
 * caller has entered. `pool` gives the bounce buffer; NULL: zero-copy. A write's data is gathered here.
 * -EAGAIN: the pool is used up. -ENOMEM: out of memory. The request is then idle again.
 */
struct vd_transfer {
    struct vdisk *disk;
    struct vd_view *view;
    enum vd_request_kind kind;
    uint32_t flags;
    const struct iovec *iov;
    int iovcnt;
    /* As many bytes as `length`, for a compare-and-write. */
    const void *compare;
    uint64_t skip;
    uint64_t length;
    uint64_t offset;
    /* Part of a range that was inside the image when the call began; where it no longer is, the completion tells. */
    bool was_inside;
};
int vd_request_prepare(struct vd_request *request, const struct vd_transfer *transfer, struct vd_bounce *pool);

/*
 * Hands it to librbd, or straight to the mailbox when there is nothing to do. A negative errno: librbd did not take
 * it, it is still prepared and will not be posted. The view is left when the request is done.
 */
int vd_request_start(struct vd_request *request);

/* Notes that it was taken from the mailbox. */
void vd_request_taken(struct vd_request *request);

/* Takes back what a request that did not start, or was delivered, holds of the pool. It is then idle. */
void vd_request_release(struct vd_request *request, struct vd_bounce *pool);

/* Of a completed request: copies what was read to the caller's buffers. */
void vd_request_deliver(struct vd_request *request);

#endif
