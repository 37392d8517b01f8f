/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The deadlines of what is in a queue.
 */
#ifndef VD_EXPIRY_H
#define VD_EXPIRY_H

#include <stdint.h>

#include "io/deadline.h"
#include "io/queue.h"

/* For a new queue, zeroed; `polled`: its owner may be elsewhere when a deadline comes. Returns 0 or -ENOMEM. */
int vd_expiry_init(struct vdisk_queue *queue, bool polled);

/* Nothing may have a deadline any more. The mailbox may hold a last letter of the alarm's. */
void vd_expiry_destroy(struct vdisk_queue *queue);

/*
 * Sets a deadline in so many milliseconds. Returns 0 or -ENOMEM. To be called before what it is of is started, so that
 * it can be refused.
 */
int vd_expiry_arm(struct vdisk_queue *queue, struct vd_deadline *deadline, uint32_t timeout_ms);
static inline void vd_expiry_disarm(struct vdisk_queue *queue, struct vd_deadline *deadline)
{
    if (deadline->item.place > 0)
        vd_heap_remove(&queue->deadlines, &deadline->item);
}

/* The alarm's letter was taken from the mailbox. */
void vd_expiry_alarm_taken(struct vdisk_queue *queue);

/* Takes the earliest deadline that has passed; NULL: there is none. */
struct vd_deadline *vd_expiry_take(struct vdisk_queue *queue);

/* The owner turns to something else: has it called back in time for the next deadline. */
void vd_expiry_set_alarm(struct vdisk_queue *queue);
static inline void vd_expiry_call_back(struct vdisk_queue *queue)
{
    if (queue->deadlines.count > 0)
        vd_expiry_set_alarm(queue);
}

#endif
