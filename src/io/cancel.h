/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ends one request or operation of a queue because the caller cancels it or because it expires. Its completion becomes
 * ready at once, even if librbd or another thread still works on it. Only the queue's thread calls these functions.
 */
#ifndef VD_CANCEL_H
#define VD_CANCEL_H

#include "io/queue.h"

/*
 * Ends a started request, or an unfinished operation, with `result`: -ECANCELED or -ETIMEDOUT. Returns 0; -EBUSY: it
 * cannot be ended; -EALREADY: it is done, and its entry is on the way.
 */
int vd_cancel_request(struct vdisk_queue *queue, struct vd_request *request, int result);
int vd_cancel_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry, int result);

/* Ends with -ETIMEDOUT what is past its deadline. */
void vd_cancel_all_expired(struct vdisk_queue *queue);

/* The same; returns quickly in the common case that nothing has a deadline. */
static inline void vd_cancel_expired(struct vdisk_queue *queue)
{
    if (vd_expiry_any(&queue->expiry))
        vd_cancel_all_expired(queue);
}

#endif
