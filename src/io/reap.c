/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/reap.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/container.h"
#include "io/cancel.h"
#include "io/expiry.h"
#include "io/plug.h"
#include "io/pool.h"
#include "io/ready.h"

static struct vd_request *request_of(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_request, entry);
}

static struct vd_rbd_io *io_of(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_rbd_io, entry);
}

static struct vd_op_entry *op_of(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_op_entry, entry);
}

static struct vd_op_entry *op_of_progress(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_op_entry, progress_entry);
}

static struct vd_subscriber *subscriber_of(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_subscriber, entry);
}

static void take_io(struct vdisk_queue *queue, struct vd_entry *entry)
{
    struct vd_request *request = io_of(entry)->first, *next;

    /* There is at least one member: an I/O that lost all of them is detached, and posts no entry. */
    for (;;) {
        next = request->next;
        vd_request_taken(request);
        vd_expiry_disarm(&queue->expiry, &request->deadline);
        vd_ready_add_done(queue, &request->entry);
        if (!next)
            return;
        queue->joined--;
        request = next;
    }
}

static void take_op(struct vdisk_queue *queue, struct vd_entry *entry)
{
    struct vd_op_entry *op_entry = op_of(entry);

    vd_op_entry_taken(op_entry);
    vd_expiry_disarm(&queue->expiry, &op_entry->deadline);
    vd_ready_add_done(queue, entry);
}

VD_NOINLINE static void take_other(struct vdisk_queue *queue, struct vd_entry *entry)
{
    switch (entry->kind) {
    case VD_ENTRY_OP:
        take_op(queue, entry);
        break;
    case VD_ENTRY_PROGRESS:
    case VD_ENTRY_EVENT:
        vd_ready_add(queue, entry);
        break;
    case VD_ENTRY_ALARM:
        vd_expiry_alarm_taken(&queue->expiry);
        break;
    case VD_ENTRY_RBD_IO:
    case VD_ENTRY_REQUEST:
        assert(!"here");
        break;
    }
}

void vd_queue_collect(struct vdisk_queue *queue)
{
    struct vd_node *node = vd_mailbox_take(&queue->mailbox);

    while (node) {
        struct vd_entry *entry = VD_CONTAINER_OF(node, struct vd_entry, node);

        node = node->next;
        if (entry->kind == VD_ENTRY_RBD_IO)
            take_io(queue, entry);
        else
            take_other(queue, entry);
    }
    vd_cancel_expired(queue);
}

static void reap_request(struct vdisk_queue *queue, struct vd_request *request, struct vdisk_completion *completion)
{
    vd_request_deliver(request, completion);
    vd_pool_put_request(queue, request);
    queue->in_flight--;
}

static void reap_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry, struct vdisk_completion *completion)
{
    vd_op_entry_deliver(op_entry, completion);
    vd_queue_reaped_op(queue, op_entry);
}

static void reap_event(struct vdisk_queue *queue, struct vd_subscriber *subscriber, struct vdisk_completion *completion)
{
    uint32_t events;
    bool goes_on = vd_subscriber_take(subscriber, &events, &completion->result);

    completion->user_data = subscriber->user_data;
    completion->value = events;
    if (goes_on)
        completion->flags = VDISK_COMPLETION_MORE;
    else
        vd_queue_remove_subscriber(queue, subscriber);
}

VD_NOINLINE static void reap_other(struct vdisk_queue *queue, struct vd_entry *entry,
                                   struct vdisk_completion *completion)
{
    switch (entry->kind) {
    case VD_ENTRY_OP:
        reap_op(queue, op_of(entry), completion);
        break;
    case VD_ENTRY_PROGRESS:
        vd_op_entry_deliver_progress(op_of_progress(entry), completion);
        break;
    case VD_ENTRY_EVENT:
        reap_event(queue, subscriber_of(entry), completion);
        break;
    case VD_ENTRY_REQUEST:
    case VD_ENTRY_RBD_IO:
    case VD_ENTRY_ALARM:
        assert(!"here");
        break;
    }
}

static void reap_one(struct vdisk_queue *queue, struct vdisk_completion *completion)
{
    struct vd_entry *entry = vd_ready_pop(queue);

    memset(completion, 0, sizeof *completion);
    if (entry->kind == VD_ENTRY_REQUEST)
        reap_request(queue, request_of(entry), completion);
    else
        reap_other(queue, entry, completion);
}

static unsigned int reap_ready(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max)
{
    unsigned int count = 0;

    while (count < max && queue->ready)
        reap_one(queue, &completions[count++]);
    return count;
}

/* Taking from the mailbox has silenced the doorbell, so what is left to reap must ring it again. */
void vd_queue_leave(struct vdisk_queue *queue)
{
    vd_expiry_call_back(&queue->expiry);
    if (queue->ready)
        vd_mailbox_remind(&queue->mailbox);
}

/*
 * Sleeps until `wanted` of the unfinished requests and operations may be done, or all of them, or an urgent entry has
 * come, or something expires. Returns false when `deadline` has come. A merged request completes without an entry of
 * its own, so `joined` fewer entries may be enough.
 */
static bool sleep_until(struct vdisk_queue *queue, unsigned int wanted, int64_t deadline)
{
    int64_t expiry = vd_heap_time(&queue->expiry.deadlines);
    unsigned int entries = wanted < queue->unfinished ? wanted : queue->unfinished;

    entries = entries > queue->joined ? entries - queue->joined : 1;
    return vd_mailbox_wait_for(&queue->mailbox, entries, deadline < expiry ? deadline : expiry) || expiry < deadline;
}

unsigned int vd_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                           unsigned int max, int64_t deadline)
{
    unsigned int count = 0;
    bool in_time = true;

    vd_queue_forget_failed(queue);
    if (min > 0)
        vd_plug_send(queue);
    for (;;) {
        vd_queue_collect(queue);
        count += reap_ready(queue, completions + count, max - count);
        if (count >= min || (queue->in_flight == 0 && !queue->subscribers) || !in_time)
            break;
        in_time = sleep_until(queue, min - count, deadline);
    }
    vd_queue_leave(queue);
    return count;
}

void vd_queue_drain(struct vdisk_queue *queue)
{
    vd_plug_send(queue);
    vd_queue_collect(queue);
    while (queue->unfinished > 0) {
        sleep_until(queue, queue->unfinished, VD_NEVER);
        vd_queue_collect(queue);
    }
    vd_queue_leave(queue);
}

const struct vdisk_error *vd_queue_error(const struct vdisk_queue *queue, const struct vdisk_completion *completion)
{
    uint64_t serial;

    memcpy(&serial, completion->reserved, sizeof serial);
    for (const struct vd_op_entry *op_entry = queue->failed; op_entry; op_entry = op_entry->next) {
        if (op_entry->serial == serial)
            return &op_entry->error;
    }
    return NULL;
}
