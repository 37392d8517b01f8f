/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/give_up.h"

#include <errno.h>

#include "base/container.h"
#include "io/expiry.h"
#include "io/plug.h"
#include "io/ready.h"

int vd_give_up_request(struct vdisk_queue *queue, struct vd_request *request, int result)
{
    unsigned int joined;
    int r;

    /* A flight that waits is sent first, rather than taken apart: cancelling is rare. */
    if (request->flight->plugged)
        vd_plug_send(queue);
    /* The entry still comes, for the others. */
    joined = request->flight->members > 1;
    r = vd_request_give_up(request, &queue->bounce, result);
    if (r < 0)
        return r;
    queue->joined -= joined;
    vd_expiry_disarm(&queue->expiry, &request->deadline);
    vd_ready_add_done(queue, &request->entry);
    return 0;
}

int vd_give_up_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket, int result)
{
    int r = result == -ETIMEDOUT ? vd_ticket_time_out(ticket) : vd_ticket_cancel(ticket);

    if (r < 0)
        return r;
    vd_expiry_disarm(&queue->expiry, &ticket->deadline);
    vd_ready_add_done(queue, &ticket->entry);
    return 0;
}

/* What cannot be given up, or is about to be done anyway, has no deadline any more. */
static void expire(struct vdisk_queue *queue, struct vd_deadline *deadline)
{
    switch (deadline->of) {
    case VD_DEADLINE_REQUEST:
        vd_give_up_request(queue, VD_CONTAINER_OF(deadline, struct vd_request, deadline), -ETIMEDOUT);
        break;
    case VD_DEADLINE_TICKET:
        vd_give_up_ticket(queue, VD_CONTAINER_OF(deadline, struct vd_ticket, deadline), -ETIMEDOUT);
        break;
    }
}

void vd_give_up_all_expired(struct vdisk_queue *queue)
{
    struct vd_deadline *deadline;

    while ((deadline = vd_expiry_take(&queue->expiry)))
        expire(queue, deadline);
}
