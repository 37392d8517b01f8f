/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/ticket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

void vd_ticket_deliver(struct vd_ticket *ticket, struct vdisk_completion *completion)
{
    completion->user_data = ticket->user_data;
    completion->result = ticket->result;
    memcpy(completion->reserved, &ticket->serial, sizeof ticket->serial);
    if (ticket->task)
        ticket->ops->deliver(ticket, completion);
}

void vd_ticket_deliver_progress(struct vd_ticket *ticket, struct vdisk_completion *completion)
{
    /* Release: the entry can be posted again from here on, and carries what is stored after this. */
    atomic_exchange_explicit(&ticket->progress_posted, false, memory_order_acq_rel);
    completion->user_data = ticket->user_data;
    completion->flags = VDISK_COMPLETION_MORE;
    completion->value = atomic_load_explicit(&ticket->progress, memory_order_relaxed);
}

static void end(struct vd_ticket *ticket, int result, const char *message)
{
    ticket->task = NULL;
    ticket->result = vd_error_set(&ticket->error, result, "%s", message);
    ticket->finished = true;
}

int vd_ticket_cancel(struct vd_ticket *ticket)
{
    int r = ticket->ops->cancel(ticket);

    if (r == 0)
        end(ticket, -ECANCELED, "The operation was cancelled.");
    return r;
}

int vd_ticket_time_out(struct vd_ticket *ticket)
{
    const char *message;
    int r = ticket->ops->time_out(ticket, &message);

    if (r == 0)
        end(ticket, -ETIMEDOUT, message);
    return r;
}

void vd_ticket_free(struct vd_ticket *ticket)
{
    if (ticket->task)
        ticket->ops->free(ticket);
    free(ticket);
}
