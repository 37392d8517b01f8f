/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue keeps of a control operation (ops/op.h): the tag, the deadline and the outcome. It outlives an operation
 * that is cancelled or expires while it runs. Only the queue's thread uses it, except for the progress, which the
 * operation's thread stores, and for the two entries, which that thread posts.
 */
#ifndef VD_OP_ENTRY_H
#define VD_OP_ENTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/queue.h>

#include "io/deadline.h"
#include "thread/entry.h"

struct vd_op_entry;

/* What the queue calls of the operation. All are called on the queue's thread, with op_entry->op not NULL. */
struct vd_op_entry_calls {
    /*
     * As vd_op_entry_cancel and vd_op_entry_expire. On success the op_entry no longer has the operation. *message: the
     * sentence for the completion.
     */
    int (*cancel)(struct vd_op_entry *op_entry);
    int (*expire)(struct vd_op_entry *op_entry, const char **message);
    /* Hands over what the operation has found. */
    void (*deliver)(struct vd_op_entry *op_entry, struct vdisk_completion *completion);
    /* Frees the operation. */
    void (*free)(struct vd_op_entry *op_entry);
};

struct vd_op_entry {
    /* Posted when the operation is done. */
    struct vd_entry entry;
    /* Posted when the operation has progressed. */
    struct vd_entry progress_entry;
    /* In one of the queue's lists. */
    struct vd_op_entry *previous;
    struct vd_op_entry *next;
    struct vd_mailbox *mailbox;
    const struct vd_op_entry_calls *calls;
    /* NULL: cancelled or expired. */
    struct vd_op *op;
    void *user_data;
    /* The queue numbers its op entries from 1 on. A completion's reserved bytes have it, for vd_queue_error. */
    uint64_t serial;
    bool wants_progress;
    bool finished;
    struct vd_deadline deadline;
    int result;
    struct vdisk_error error;
    /* How much is done, out of VDISK_PROGRESS_WHOLE. */
    _Atomic uint64_t progress;
    /* The progress entry is in the mailbox, or taken and not yet reaped. */
    atomic_bool progress_posted;
};

/* Notes that the entry was taken from the mailbox: the operation is done. */
static inline void vd_op_entry_taken(struct vd_op_entry *op_entry)
{
    op_entry->finished = true;
}

/* Fills in the completion of a finished op_entry. */
void vd_op_entry_deliver(struct vd_op_entry *op_entry, struct vdisk_completion *completion);

/* Fills in a completion that reports progress. */
void vd_op_entry_deliver_progress(struct vd_op_entry *op_entry, struct vdisk_completion *completion);

/*
 * Cancels an unfinished operation: its op_entry is then finished with -ECANCELED, and the entry will not be posted.
 * Returns 0; -EBUSY: it is running and cannot be abandoned; -EALREADY: it is done, and its entry is on the way.
 */
int vd_op_entry_cancel(struct vd_op_entry *op_entry);

/* As vd_op_entry_cancel, with -ETIMEDOUT. The operation is carried out all the same. */
int vd_op_entry_expire(struct vd_op_entry *op_entry);

/* Frees a finished op_entry and its operation. */
void vd_op_entry_free(struct vd_op_entry *op_entry);

#endif
