/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cancelling one thing that is in a queue: the caller's side of it ends here, whatever goes on elsewhere.
 */
#ifndef VD_CANCEL_H
#define VD_CANCEL_H

#include "io/queue.h"

/*
 * Gives up what is started, which is then done with `result`: -ECANCELED, or -ETIMEDOUT. -EBUSY: it cannot be
 * cancelled. -EALREADY: its entry is on the way.
 */
int vd_cancel_request(struct vdisk_queue *queue, struct vd_request *request, int result);
int vd_cancel_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry, int result);

/* Gives up what is past its deadline. Mostly there are no deadlines. */
void vd_cancel_all_expired(struct vdisk_queue *queue);
static inline void vd_cancel_expired(struct vdisk_queue *queue)
{
    if (vd_expiry_any(&queue->expiry))
        vd_cancel_all_expired(queue);
}

#endif
