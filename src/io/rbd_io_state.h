/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state machine of an I/O: starting, completing and cancelling it. enum vd_rbd_io_state in rbd_io.h draws it.
 */
#ifndef VD_RBD_IO_STATE_H
#define VD_RBD_IO_STATE_H

#include "io/rbd_io.h"

/*
 * Queue's thread. Starts an I/O whose disk, view, kind, flags, range and buffers are set: passes it to librbd, or
 * completes it at once when librbd is not needed, or lets the write barrier block it. Returns 0, or a negative errno
 * when librbd did not take it; then no entry is posted and the caller leaves the view. Otherwise the completion leaves
 * it. Does not block.
 */
int vd_rbd_io_start(struct vd_rbd_io *io);

/* The same for an I/O that was accepted before: if librbd does not take it, it completes with librbd's error. */
void vd_rbd_io_start_accepted(struct vd_rbd_io *io);

enum vd_cancel_outcome {
    /* The I/O was blocked and will not start. It stays the queue's. */
    VD_CANCELLED_BLOCKED,
    /* The I/O continues for the other members. */
    VD_CANCELLED_MEMBER,
    /* The I/O is the disk's from now on, with its bounce buffer. */
    VD_CANCELLED_DETACHED,
    /* Not cancelled: librbd has the I/O and uses the caller's memory. */
    VD_CANCEL_BUSY,
    /* Not cancelled: the I/O has completed, and its entry is on its way. */
    VD_CANCEL_TOO_LATE,
};

/* Queue's thread. Cancels one member of a started I/O. The caller removes it from the I/O's list of members. */
enum vd_cancel_outcome vd_rbd_io_cancel(struct vd_rbd_io *io);

/*
 * Completes a started I/O with its final result: posts its entry and leaves the view, or ends a detached I/O. The
 * function to give to vd_rbd_io_new. Any thread.
 */
void vd_rbd_io_complete(struct vd_rbd_io *io, int result);

#endif
