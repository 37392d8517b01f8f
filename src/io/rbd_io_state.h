/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting, completion and cancelling a I/O.
 */
#ifndef VD_RBD_IO_STATE_H
#define VD_RBD_IO_STATE_H

#include "io/rbd_io.h"

/*
 * Of a I/O whose disk, view, kind, flags, range and buffers are set: hands it to librbd, or straight to the mailbox
 * when there is nothing to do, or has it held. A negative errno: librbd did not take it, and it will not be posted. The
 * view is left when it has completed.
 */
int vd_rbd_io_start(struct vd_rbd_io *io);

/* The same for a I/O that was accepted before: what librbd does not take completes with its error. */
void vd_rbd_io_start_accepted(struct vd_rbd_io *io);

enum vd_cancel_outcome {
    /* It was held, and stays the queue's. */
    VD_CANCELLED_BLOCKED,
    /* It goes on for the other members. */
    VD_CANCELLED_MEMBER,
    /* It is the disk's now, with its bounce buffer. */
    VD_CANCELLED_DETACHED,
    /* librbd has it, and the caller's memory with it. */
    VD_CANCEL_BUSY,
    /* It has completed, and its entry is on its way. */
    VD_CANCEL_TOO_LATE,
};

/* On the queue's thread: cancels one member of a started I/O. It is the caller's to take it from the list. */
enum vd_cancel_outcome vd_rbd_io_cancel(struct vd_rbd_io *io);

/* What I/Os are to be made with (vd_rbd_io_new). */
void vd_rbd_io_complete(struct vd_rbd_io *io, int result);

#endif
