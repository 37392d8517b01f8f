/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/cancel_tag.h"

#include <errno.h>

#include "io/cancel.h"
#include "io/queue.h"
#include "io/reap.h"

/* Counts the results of the single cancels. */
struct outcome {
    int cancelled;
    bool some_busy;
};

static void count_outcome(struct outcome *outcome, int result)
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
            count_outcome(outcome, vd_cancel_request(queue, request, -ECANCELED));
    }
}

static void cancel_ops(struct outcome *outcome, struct vdisk_queue *queue, const void *user_data)
{
    for (struct vd_op_entry *op_entry = queue->op_entries; op_entry; op_entry = op_entry->next) {
        if (!op_entry->finished && op_entry->user_data == user_data)
            count_outcome(outcome, vd_cancel_op(queue, op_entry, -ECANCELED));
    }
}

int vd_queue_cancel(struct vdisk_queue *queue, const void *user_data)
{
    struct outcome outcome = {0};

    /* Takes the entries that have arrived, so that what is done already counts as done. */
    vd_queue_collect(queue);
    cancel_requests(&outcome, queue, user_data);
    cancel_ops(&outcome, queue, user_data);
    outcome.cancelled += (int)vd_queue_end_subscribers(queue, user_data);
    vd_queue_leave(queue);
    if (outcome.cancelled > 0)
        return outcome.cancelled;
    return outcome.some_busy ? -EBUSY : -ENOENT;
}
