/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving up what is in a queue: the caller's side of it ends here, whatever goes on elsewhere.
 */
#include <errno.h>

#include "expiry.h"
#include "plug.h"
#include "queue.h"

int vd_queue_give_up_request(struct vdisk_queue *queue, struct vd_request *request, int result)
{
    unsigned int joined;
    int r;

    /* A flight that waits is sent first, rather than taken apart: cancelling is rare. */
    if (request->flight->plugged)
        vd_plug_send(queue);
    /* The letter still comes, for the others. */
    joined = request->flight->members > 1;
    r = vd_request_give_up(request, &queue->bounce, result);
    if (r < 0)
        return r;
    queue->joined -= joined;
    vd_expiry_disarm(queue, &request->deadline);
    vd_queue_add_done(queue, &request->letter);
    return 0;
}

int vd_queue_give_up_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket, int result)
{
    int r = result == -ETIMEDOUT ? vd_ticket_time_out(ticket) : vd_ticket_cancel(ticket);

    if (r < 0)
        return r;
    vd_expiry_disarm(queue, &ticket->deadline);
    vd_queue_add_done(queue, &ticket->letter);
    return 0;
}

/* What came of cancelling several things. */
struct outcome {
    int cancelled;
    bool some_busy;
};

static void note(struct outcome *outcome, int result)
{
    if (result == 0)
        outcome->cancelled++;
    if (result == -EBUSY)
        outcome->some_busy = true;
}

static void cancel_requests(struct outcome *outcome, struct vdisk_queue *queue, const void *user_data)
{
    for (unsigned int i = 0; i < queue->touched; i++) {
        struct vd_request *request = &queue->requests[i];

        if (request->state == VD_REQUEST_STARTED && request->user_data == user_data)
            note(outcome, vd_queue_give_up_request(queue, request, -ECANCELED));
    }
}

static void cancel_tickets(struct outcome *outcome, struct vdisk_queue *queue, const void *user_data)
{
    for (struct vd_ticket *ticket = queue->tickets; ticket; ticket = ticket->next) {
        if (!ticket->finished && ticket->user_data == user_data)
            note(outcome, vd_queue_give_up_ticket(queue, ticket, -ECANCELED));
    }
}

int vd_queue_cancel(struct vdisk_queue *queue, const void *user_data)
{
    struct outcome outcome = {0};

    /* What is done by now is not cancelled. */
    vd_queue_collect(queue);
    cancel_requests(&outcome, queue, user_data);
    cancel_tickets(&outcome, queue, user_data);
    outcome.cancelled += (int)vd_queue_end_watches(queue, user_data);
    vd_queue_leave(queue);
    if (outcome.cancelled > 0)
        return outcome.cancelled;
    return outcome.some_busy ? -EBUSY : -ENOENT;
}
