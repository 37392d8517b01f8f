/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue keeps of a control operation (op.h): it outlives one that is cancelled. All is the queue's thread's but
 * for what the operation reports.
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

/* The operation's side of it; `operation` is not NULL. */
struct vd_op_entry_calls {
    /* Both as vd_op_entry_cancel; on success the operation is no longer the op entry's. */
    int (*cancel)(struct vd_op_entry *op_entry);
    int (*expire)(struct vd_op_entry *op_entry, const char **message);
    /* Hands over what was found; and frees the operation. */
    void (*deliver)(struct vd_op_entry *op_entry, struct vdisk_completion *completion);
    void (*free)(struct vd_op_entry *op_entry);
};

struct vd_op_entry {
    struct vd_entry entry;
    struct vd_entry progress_entry;
    struct vd_op_entry *previous;
    struct vd_op_entry *next;
    struct vd_mailbox *mailbox;
    const struct vd_op_entry_calls *calls;
    /* NULL: cancelled. */
    struct vd_op *op;
    void *user_data;
    /* Of the queue's op entries, from 1 on. */
    uint64_t serial;
    bool wants_progress;
    bool finished;
    struct vd_deadline deadline;
    int result;
    struct vdisk_error error;
    /* Out of VDISK_PROGRESS_WHOLE; and whether the entry that tells is on its way. */
    _Atomic uint64_t progress;
    atomic_bool progress_posted;
};

/* A op entry's entry was taken from the mailbox: its operation is done. */
static inline void vd_op_entry_taken(struct vd_op_entry *op_entry)
{
    op_entry->finished = true;
}

/* Fills in the completion of a finished op entry, or of its progress. */
void vd_op_entry_deliver(struct vd_op_entry *op_entry, struct vdisk_completion *completion);
void vd_op_entry_deliver_progress(struct vd_op_entry *op_entry, struct vdisk_completion *completion);

/*
 * Gives up an unfinished op entry: it is then finished, with -ECANCELED, and its entry will not be posted. -EBUSY: it
 * is running. -EALREADY: it is done and its entry on its way.
 */
int vd_op_entry_cancel(struct vd_op_entry *op_entry);

/* As vd_op_entry_cancel, with -ETIMEDOUT. */
int vd_op_entry_expire(struct vd_op_entry *op_entry);

/* Frees a finished op entry, with its operation. */
void vd_op_entry_free(struct vd_op_entry *op_entry);

#endif
