/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaping: how a queue takes entries from its mailbox and turns them into completions. Only the queue's thread calls
 * these functions.
 */
#ifndef VD_REAP_H
#define VD_REAP_H

#include "io/queue.h"

/* Does what vdisk_queue_wait documents, for checked arguments and a deadline as in clock.h. */
unsigned int vd_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                           unsigned int max, int64_t deadline);

/* Does what vdisk_queue_drain documents. */
void vd_queue_drain(struct vdisk_queue *queue);

/*
 * Takes all entries from the mailbox, and ends what has expired. What is done by then is ready to be reaped. Does not
 * block.
 */
void vd_queue_collect(struct vdisk_queue *queue);

/*
 * Ends a call that has taken entries from the mailbox: sets the alarm, and makes the descriptor readable if something
 * is left to reap.
 */
void vd_queue_leave(struct vdisk_queue *queue);

/* The error of a completion that the latest reap has returned; NULL: it has no sentence. */
const struct vdisk_error *vd_queue_error(const struct vdisk_queue *queue, const struct vdisk_completion *completion);

#endif
