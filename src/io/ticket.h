/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue keeps of a control operation (task.h): it outlives one that is given up. All is the queue's thread's but
 * for what the operation reports.
 */
#ifndef VD_TICKET_H
#define VD_TICKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/queue.h>

#include "io/deadline.h"
#include "thread/entry.h"

struct vd_ticket;

/* The operation's side of it; `task` is not NULL. */
struct vd_ticket_ops {
    /* Both as vd_ticket_cancel; on success the task is no longer the ticket's. */
    int (*cancel)(struct vd_ticket *ticket);
    int (*time_out)(struct vd_ticket *ticket, const char **message);
    /* Hands over what was found; and frees the task. */
    void (*deliver)(struct vd_ticket *ticket, struct vdisk_completion *completion);
    void (*free)(struct vd_ticket *ticket);
};

struct vd_ticket {
    struct vd_entry entry;
    struct vd_entry progress_entry;
    struct vd_ticket *previous;
    struct vd_ticket *next;
    struct vd_mailbox *mailbox;
    const struct vd_ticket_ops *ops;
    /* NULL: given up. */
    struct vd_task *task;
    void *user_data;
    /* Of the queue's tickets, from 1 on. */
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

/* A ticket's entry was taken from the mailbox: its task is done. */
static inline void vd_ticket_taken(struct vd_ticket *ticket)
{
    ticket->finished = true;
}

/* Fills in the completion of a finished ticket, or of its progress. */
void vd_ticket_deliver(struct vd_ticket *ticket, struct vdisk_completion *completion);
void vd_ticket_deliver_progress(struct vd_ticket *ticket, struct vdisk_completion *completion);

/*
 * Gives up an unfinished ticket: it is then finished, with -ECANCELED, and its entry will not be posted. -EBUSY: it is
 * running. -EALREADY: it is done and its entry on its way.
 */
int vd_ticket_cancel(struct vd_ticket *ticket);

/* As vd_ticket_cancel, with -ETIMEDOUT. */
int vd_ticket_time_out(struct vd_ticket *ticket);

/* Frees a finished ticket, with its task. */
void vd_ticket_free(struct vd_ticket *ticket);

#endif
