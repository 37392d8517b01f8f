/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller's part of a request: its tag, its buffers, its deadline and its result. The part that librbd has is its
 * I/O (rbd_io.h).
 *
 *   idle -> prepare -> start -> (the I/O) -> taken from the mailbox -> deliver -> idle
 *
 * Only the queue's thread uses a request; other threads do the step in brackets. A request that is cancelled or expires
 * is done at once, whatever happens to its I/O.
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
    /* Its I/O waits in a plug, is in progress, or is in the queue's mailbox. */
    VD_REQUEST_STARTED,
    /* Its result is final. */
    VD_REQUEST_DONE,
};

/* How many buffers a request can describe without allocating: enough for the scatter lists of most guests. */
#define VD_REQUEST_INLINE_IOV 8

struct vd_request {
    /* In the list of idle requests, or in the list of entries that are ready to be reaped. */
    struct vd_entry entry;
    void *user_data;
    enum vd_request_state state;
    /* NULL while the request is idle, and after a cancelled request has left its I/O. */
    struct vd_rbd_io *io;
    /* The I/O's next member, and this member's part of the I/O's range: `length` bytes from `at` on. */
    struct vd_request *next;
    uint64_t at;
    uint64_t length;
    int result;
    struct vd_deadline deadline;
    /*
     * A copy of the caller's array, for a read and for memory that librbd gets: buffers that are not empty and have the
     * request's length together.
     */
    struct iovec *iov;
    int iovcnt;
    int iov_capacity;
    struct iovec inline_iov[VD_REQUEST_INLINE_IOV];
};

/* Makes an idle request of zeroed memory. */
void vd_request_init(struct vd_request *request);
/* Frees what the request has allocated. */
void vd_request_destroy(struct vd_request *request);

/*
 * What a request does: moves `length` bytes between `offset` of the disk and the buffers of `iov`, from `skip` bytes
 * into the buffers on. The caller has entered the view.
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
    /* For a compare-and-write: `length` bytes to compare with. Else NULL. */
    const void *compare;
    uint64_t skip;
    /*
     * It is a part of a range that was inside the image when a synchronous call began. If the image has shrunk since,
     * the part is still submitted, and its completion has the error.
     */
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

/*
 * Makes the request one more member of an I/O that vd_plug_find has made longer for it. -ENOMEM: out of memory, and the
 * I/O has its former length again.
 */
int vd_request_join(struct vd_request *request, struct vd_rbd_io *io, const struct vd_transfer *transfer);

/* Notes that the request's I/O was started, or put in a plug. The I/O may have completed since. */
static inline void vd_request_started(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_PREPARED);
    request->state = VD_REQUEST_STARTED;
}

/* Notes that the I/O's entry was taken from the mailbox: the request is done. */
static inline void vd_request_taken(struct vd_request *request)
{
    assert(request->state == VD_REQUEST_STARTED);
    request->state = VD_REQUEST_DONE;
    request->result = request->io->result;
}

/*
 * Ends a started request with `result`, before its I/O completes. `pool`: the queue's. Returns 0; -EBUSY: librbd uses
 * the caller's memory; -EALREADY: the I/O has completed and its entry is on the way.
 */
int vd_request_cancel(struct vd_request *request, struct vd_bounce *pool, int result);

/* Fills in the completion of a request that is done, and scatters the data of a read to the caller's buffers. */
void vd_request_deliver(struct vd_request *request, struct vdisk_completion *completion);

/*
 * Makes a request idle that did not start or was delivered. Returns its I/O if this was the last member, for the caller
 * to use again; otherwise NULL.
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
