/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An entry: what a queue's mailbox contains, and what the queue keeps until the caller reaps it.
 */
#ifndef VD_ENTRY_H
#define VD_ENTRY_H

#include "thread/mailbox.h"

enum vd_entry_kind {
    /* An I/O has completed (rbd_io.h). The queue's thread takes its requests from it. */
    VD_ENTRY_RBD_IO,
    /* A request is done. Such an entry is never in a mailbox: it comes from an I/O, or directly from the queue. */
    VD_ENTRY_REQUEST,
    /* An operation is done (op.h). */
    VD_ENTRY_OP,
    /* An operation has made progress. */
    VD_ENTRY_PROGRESS,
    /* Something happened to a disk (subscriber.h). */
    VD_ENTRY_EVENT,
    /* The queue's alarm has gone off, so that the queue's thread looks at the deadlines (expiry.h). */
    VD_ENTRY_ALARM,
};

struct vd_entry {
    struct vd_node node;
    enum vd_entry_kind kind;
};

#endif
