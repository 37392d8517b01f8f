/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue takes from its mailbox, and how it becomes completions.
 */
#ifndef VD_REAP_H
#define VD_REAP_H

#include "io/queue.h"

/* As vdisk_queue_wait, with a deadline (clock.h), of valid arguments. */
unsigned int vd_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                           unsigned int max, int64_t deadline);

/* As vdisk_queue_drain. */
void vd_queue_drain(struct vdisk_queue *queue);

/* Takes from the mailbox what is there. */
void vd_queue_collect(struct vdisk_queue *queue);

/* The owner turns to something else: makes the descriptor readable as soon as there is something to reap. */
void vd_queue_leave(struct vdisk_queue *queue);

/* The error of a completion of the latest reap; NULL: there is no sentence. */
const struct vdisk_error *vd_queue_error(const struct vdisk_queue *queue, const struct vdisk_completion *completion);

#endif
