/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request: from the caller's buffers to librbd and back to the caller.
 *
 *   idle -> prepare -> start -> (its I/O, rbd_io.h) -> taken from the mailbox -> deliver -> idle
 *
 * Every step but the one in brackets is the queue's thread's, and everything here is its own. A request that is given
 * up is done at once, whatever becomes of its I/O.
 */
#ifndef VD_REQUEST_H
#define VD_REQUEST_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vdisk/queue.h>

#include "base/bounce.h"
#include "disk/disk.h"
#include "disk/view.h"
#include "io/deadline.h"
#include "io/rbd_io.h"
#include "thread/entry.h"
#include "thread/mailbox.h"

enum vd_request_state {
    VD_REQUEST_IDLE,
    VD_REQUEST_PREPARED,
    /* Its I/O is under way, or its entry is. */
    VD_REQUEST_STARTED,
    /* Its result is final. */
    VD_REQUEST_DONE,
};

/* Buffers that a request holds without allocating: covers the scatter lists of most guests. */
#define VD_REQUEST_INLINE_IOV 8

struct vd_request {
    /* In the list of idle requests, or in that of what is ready to be reaped. */
    struct vd_entry entry;
    void *user_data;
    enum vd_request_state state;
    /* NULL of an idle request, and of one that was cancelled and is done. */
    struct vd_rbd_io *io;
    /* The next of the I/O's members; where in its range this one begins, and its own length. */
    struct vd_request *next;
    uint64_t at;
    uint64_t length;
    int result;
    struct vd_deadline deadline;
    /* Where a read goes, and what a zero-copy write comes from: non-empty buffers of the request's length together. */
    struct iovec *iov;
    int iovcnt;
    int iov_capacity;
    struct iovec inline_iov[VD_REQUEST_INLINE_IOV];
};

/* Makes an idle request of zeroed memory; and frees what it holds. */
void vd_request_init(struct vd_request *request);
void vd_request_destroy(struct vd_request *request);

/*
 * What to do: `length` bytes of the buffers in `iov`, from `skip` bytes on, at `offset` of the disk whose view the
 * caller has entered.
 */
struct vd_transfer {
    struct vdisk *disk;
    struct vd_view *view;
    uint64_t offset;
    uint64_t length;
    enum vd_request_kind kind;
    int iovcnt;
    const struct iovec *iov;
    uint32_t flags;
    /* As many bytes as `length`, for a compare-and-write. */
    const void *compare;
    uint64_t skip;
    /* Part of a range that was inside the image when the call began; where it no longer is, the completion tells. */
    bool was_inside;
};

/*
 * Makes the request the first member of an idle I/O that starts at once. Decides how the data moves (enum vd_buffer)
 * and gets what that needs: a buffer from the pool, into which it gathers a write's data, or a copy of the caller's
 * array. -EAGAIN: the pool is used up. -ENOMEM: out of memory. After a failure the caller resets the request.
 */
int vd_request_prepare(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer,
                       struct vd_bounce *pool);

/* The same for an I/O that waits in a plug: its bounce buffer has `room` bytes, or just enough if the pool has less. */
int vd_request_prepare_plugged(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer,
                               struct vd_bounce *pool, uint64_t room);

/* One more member, for what vd_plug_find has made the I/O longer by. -ENOMEM: out of memory; as above. */
int vd_request_join(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer);

/* Its I/O waits, or has been started, even if it has completed since. */
static inline void vd_request_started(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_PREPARED);
    request->state = VD_REQUEST_STARTED;
}

/* Its I/O's entry was taken from the mailbox. */
static inline void vd_request_taken(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_STARTED);
    request->state = VD_REQUEST_DONE;
    request->result = request->io->result;
}

/*
 * Gives up a started request, which is then done with `result`. -EBUSY: it cannot be cancelled. -EALREADY: its entry is
 * on the way.
 */
int vd_request_cancel(struct vd_request *request, struct vd_bounce *pool, int result);

/* Of a request that is done: fills in the completion, and copies what was read to the caller's buffers. */
void vd_request_deliver(struct vd_request *request, struct vdisk_completion *completion);

/*
 * A request that did not start, or was delivered, becomes idle. Returns the I/O when that has no members any more:
 * it is the caller's to use again.
 */
static inline struct vd_rbd_io *vd_request_reset(struct vd_request *request)
{
    struct vd_rbd_io *io = request->io;

    assert(request->state != VD_REQUEST_STARTED);
    request->state = VD_REQUEST_IDLE;
    request->io = NULL;
    return io && --io->members == 0 ? io : NULL;
}

#endif
