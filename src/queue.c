/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "container.h"

static struct vd_request *request_of(struct vd_node *node)
{
    return VD_CONTAINER_OF(node, struct vd_request, node);
}

int vd_queue_new(struct vdisk_queue **queue, unsigned int depth, uint64_t bounce_bytes, enum vd_doorbell_kind kind)
{
    struct vdisk_queue *new = calloc(1, sizeof *new);
    int r = -ENOMEM;

    *queue = NULL;
    if (!new)
        goto out;
    new->requests = calloc(depth, sizeof *new->requests);
    if (!new->requests)
        goto out;
    r = vd_mailbox_init(&new->mailbox, kind);
    if (r < 0)
        goto out;
    vd_bounce_init(&new->bounce, bounce_bytes);
    new->depth = depth;
    new->ready_end = &new->ready;
    *queue = new;
    return 0;
out:
    if (new)
        free(new->requests);
    free(new);
    return r;
}

void vd_queue_free(struct vdisk_queue *queue)
{
    assert(queue->in_flight == 0);
    vd_mailbox_destroy(&queue->mailbox);
    for (unsigned int i = 0; i < queue->touched; i++)
        vd_request_destroy(&queue->requests[i]);
    vd_bounce_destroy(&queue->bounce);
    free(queue->requests);
    free(queue);
}

/* Submission. */

static struct vd_request *get_request(struct vdisk_queue *queue)
{
    struct vd_request *request;

    if (queue->idle) {
        request = request_of(queue->idle);
        queue->idle = queue->idle->next;
        return request;
    }
    if (queue->touched == queue->depth)
        return NULL;
    /* Requests are set up when first needed, so that a deep queue that is little used costs little memory. */
    request = &queue->requests[queue->touched++];
    vd_request_init(request, &queue->mailbox);
    return request;
}

static void put_request(struct vdisk_queue *queue, struct vd_request *request)
{
    request->node.next = queue->idle;
    queue->idle = &request->node;
}

static int start(struct vdisk_queue *queue, const struct vd_transfer *transfer, struct vd_bounce *pool, void *user_data)
{
    struct vd_request *request = get_request(queue);
    int r;

    if (!request)
        return -EAGAIN;
    r = vd_request_prepare(request, transfer, pool);
    if (r == 0) {
        request->user_data = user_data;
        r = vd_request_start(request);
    }
    if (r < 0) {
        vd_request_release(request, &queue->bounce);
        put_request(queue, request);
        return r;
    }
    queue->in_flight++;
    return 0;
}

int vd_queue_submit(struct vdisk_queue *queue, struct vd_transfer *transfer, struct vd_bounce *pool, void *user_data)
{
    int r = -EINVAL;

    transfer->view = vd_handle_enter(transfer->disk);
    if (!transfer->view)
        return -ESHUTDOWN;
    if (transfer->was_inside || vd_view_holds(transfer->view, transfer->offset, transfer->length))
        r = start(queue, transfer, pool, user_data);
    if (r < 0)
        vd_view_leave(transfer->view);
    return r;
}

/* Completion. */

static void collect(struct vdisk_queue *queue)
{
    struct vd_node *node = vd_mailbox_take(&queue->mailbox);

    if (!node)
        return;
    *queue->ready_end = node;
    for (; node; node = node->next) {
        vd_request_taken(request_of(node));
        queue->ready_count++;
        queue->ready_end = &node->next;
    }
}

static void reap_one(struct vdisk_queue *queue, struct vdisk_completion *completion)
{
    struct vd_request *request = request_of(queue->ready);

    queue->ready = queue->ready->next;
    if (!queue->ready)
        queue->ready_end = &queue->ready;
    queue->ready_count--;

    vd_request_deliver(request);
    memset(completion, 0, sizeof *completion);
    completion->user_data = request->user_data;
    completion->result = request->result;
    vd_request_release(request, &queue->bounce);
    put_request(queue, request);
    queue->in_flight--;
}

static unsigned int reap_ready(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max)
{
    unsigned int count = 0;

    while (count < max && queue->ready)
        reap_one(queue, &completions[count++]);
    return count;
}

/* The bell was silenced by taking from the mailbox; what is not reaped must make it ring again. */
static void remind(struct vdisk_queue *queue)
{
    if (queue->ready)
        vd_mailbox_remind(&queue->mailbox);
}

unsigned int vd_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                           unsigned int max, int64_t deadline)
{
    unsigned int count = 0;
    bool in_time = true;

    for (;;) {
        collect(queue);
        count += reap_ready(queue, completions + count, max - count);
        if (count >= min || queue->in_flight == 0 || !in_time)
            break;
        in_time = vd_mailbox_wait(&queue->mailbox, deadline);
    }
    remind(queue);
    return count;
}

void vd_queue_drain(struct vdisk_queue *queue)
{
    collect(queue);
    while (queue->ready_count < queue->in_flight) {
        vd_mailbox_wait(&queue->mailbox, VD_NEVER);
        collect(queue);
    }
    remind(queue);
}
