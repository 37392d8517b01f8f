/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What comes to a queue's mailbox, and waits there to be reaped.
 */
#ifndef VD_ENTRY_H
#define VD_ENTRY_H

#include "thread/mailbox.h"

enum vd_entry_kind {
    /* A I/O has completed (rbd_io.h); it is taken apart into its requests, which so never are in the mailbox. */
    VD_ENTRY_RBD_IO,
    VD_ENTRY_REQUEST,
    /* A operation is done, or has come further (op.h). */
    VD_ENTRY_OP,
    VD_ENTRY_PROGRESS,
    /* Something happened to a disk (subscriber.h). */
    VD_ENTRY_EVENT,
    /* It is time to look at the deadlines. */
    VD_ENTRY_ALARM,
};

struct vd_entry {
    struct vd_node node;
    enum vd_entry_kind kind;
};

#endif
