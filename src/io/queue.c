/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/queue.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/container.h"

static struct vd_rbd_io *io_of(struct vd_entry *entry)
{
    return VD_CONTAINER_OF(entry, struct vd_rbd_io, entry);
}

int vd_queue_new(struct vdisk_queue **queue, unsigned int depth, uint64_t bounce_bytes, enum vd_doorbell_kind kind)
{
    struct vdisk_queue *new = calloc(1, sizeof *new);
    int r = -ENOMEM;

    *queue = NULL;
    if (!new)
        return r;
    new->requests = calloc(depth, sizeof *new->requests);
    if (new->requests)
        r = vd_mailbox_init(&new->mailbox, kind);
    if (r < 0)
        goto out;
    r = vd_expiry_init(&new->expiry, &new->mailbox, depth, kind == VD_DOORBELL_PIPE);
    if (r < 0) {
        vd_mailbox_destroy(&new->mailbox);
        goto out;
    }
    vd_bounce_init(&new->bounce, bounce_bytes);
    new->depth = depth;
    new->ready_end = &new->ready;
    *queue = new;
    return 0;
out:
    free(new->requests);
    free(new);
    return r;
}

void vd_queue_free_failed(struct vdisk_queue *queue)
{
    while (queue->failed) {
        struct vd_op_entry *op_entry = queue->failed;

        queue->failed = op_entry->next;
        vd_op_entry_free(op_entry);
    }
}

static void free_ios(struct vdisk_queue *queue)
{
    while (queue->idle_ios) {
        struct vd_rbd_io *io = io_of(VD_CONTAINER_OF(queue->idle_ios, struct vd_entry, node));

        queue->idle_ios = queue->idle_ios->next;
        vd_rbd_io_put(io);
    }
}

void vd_queue_free(struct vdisk_queue *queue)
{
    assert(queue->in_flight == 0 && queue->joined == 0 && !queue->ready && !queue->subscribers);
    vd_queue_free_failed(queue);
    vd_expiry_destroy(&queue->expiry);
    /* Takes the alarm's entry, which may be there, because a mailbox must be empty when it is destroyed. */
    vd_mailbox_take(&queue->mailbox);
    vd_mailbox_destroy(&queue->mailbox);
    for (unsigned int i = 0; i < queue->touched; i++)
        vd_request_destroy(&queue->requests[i]);
    free_ios(queue);
    vd_bounce_destroy(&queue->bounce);
    free(queue->requests);
    free(queue);
}

void vd_queue_add_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry)
{
    op_entry->serial = ++queue->last_serial;
    op_entry->next = queue->op_entries;
    if (op_entry->next)
        op_entry->next->previous = op_entry;
    queue->op_entries = op_entry;
    queue->in_flight++;
    queue->unfinished++;
}

static void unlink_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry)
{
    if (op_entry->next)
        op_entry->next->previous = op_entry->previous;
    if (op_entry->previous)
        op_entry->previous->next = op_entry->next;
    else
        queue->op_entries = op_entry->next;
    queue->in_flight--;
}

void vd_queue_remove_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry)
{
    unlink_op(queue, op_entry);
    queue->unfinished--;
}

void vd_queue_reaped_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry)
{
    unlink_op(queue, op_entry);
    if (op_entry->result == 0) {
        vd_op_entry_free(op_entry);
        return;
    }
    op_entry->next = queue->failed;
    queue->failed = op_entry;
}

void vd_queue_add_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber)
{
    subscriber->next_of_queue = queue->subscribers;
    queue->subscribers = subscriber;
}

unsigned int vd_queue_end_subscribers(struct vdisk_queue *queue, const void *user_data)
{
    unsigned int count = 0;

    for (struct vd_subscriber *subscriber = queue->subscribers; subscriber; subscriber = subscriber->next_of_queue)
        count += subscriber->user_data == user_data && vd_subscriber_end(subscriber, -ECANCELED);
    return count;
}

void vd_queue_remove_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber)
{
    struct vd_subscriber **link = &queue->subscribers;

    while (*link != subscriber)
        link = &(*link)->next_of_queue;
    *link = subscriber->next_of_queue;
    free(subscriber);
}
