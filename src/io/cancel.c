/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/cancel.h"

#include <errno.h>

#include "base/container.h"
#include "io/expiry.h"
#include "io/plug.h"
#include "io/ready.h"

int vd_cancel_request(struct vdisk_queue *queue, struct vd_request *request, int result)
{
    unsigned int is_merged;
    int r;

    /* An I/O in the plug is started first. Cancelling is rare, and so the plug needs no code to remove a member. */
    if (request->io->plugged)
        vd_plug_send(queue);
    /* The entry of a merged I/O still comes, for the other members. */
    is_merged = request->io->members > 1;
    r = vd_request_cancel(request, &queue->bounce, result);
    if (r < 0)
        return r;
    queue->joined -= is_merged;
    vd_expiry_disarm(&queue->expiry, &request->deadline);
    vd_ready_add_done(queue, &request->entry);
    return 0;
}

int vd_cancel_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry, int result)
{
    int r = result == -ETIMEDOUT ? vd_op_entry_expire(op_entry) : vd_op_entry_cancel(op_entry);

    if (r < 0)
        return r;
    vd_expiry_disarm(&queue->expiry, &op_entry->deadline);
    vd_ready_add_done(queue, &op_entry->entry);
    return 0;
}

/* A request or operation that cannot be ended, or is done already, simply has no deadline any more. */
static void expire(struct vdisk_queue *queue, struct vd_deadline *deadline)
{
    switch (deadline->of) {
    case VD_DEADLINE_REQUEST:
        vd_cancel_request(queue, VD_CONTAINER_OF(deadline, struct vd_request, deadline), -ETIMEDOUT);
        break;
    case VD_DEADLINE_OP:
        vd_cancel_op(queue, VD_CONTAINER_OF(deadline, struct vd_op_entry, deadline), -ETIMEDOUT);
        break;
    }
}

void vd_cancel_all_expired(struct vdisk_queue *queue)
{
    struct vd_deadline *deadline;

    while ((deadline = vd_expiry_take(&queue->expiry)))
        expire(queue, deadline);
}
