/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/queue.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/rare.h"
#include "io/expiry.h"
#include "io/give_up.h"
#include "io/plug.h"
#include "io/pool.h"
#include "io/ready.h"

static struct vd_request *request_of(struct vd_letter *letter)
{
    return VD_CONTAINER_OF(letter, struct vd_request, letter);
}

static struct vd_flight *flight_of(struct vd_letter *letter)
{
    return VD_CONTAINER_OF(letter, struct vd_flight, letter);
}

static struct vd_ticket *ticket_of(struct vd_letter *letter)
{
    return VD_CONTAINER_OF(letter, struct vd_ticket, letter);
}

static struct vd_ticket *ticket_of_progress(struct vd_letter *letter)
{
    return VD_CONTAINER_OF(letter, struct vd_ticket, progress_letter);
}

static struct vd_watch *watch_of(struct vd_letter *letter)
{
    return VD_CONTAINER_OF(letter, struct vd_watch, letter);
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
    r = vd_expiry_init(new, kind == VD_DOORBELL_PIPE);
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

static void free_failed(struct vdisk_queue *queue)
{
    while (queue->failed) {
        struct vd_ticket *ticket = queue->failed;

        queue->failed = ticket->next;
        vd_ticket_free(ticket);
    }
}

static void free_flights(struct vdisk_queue *queue)
{
    while (queue->idle_flights) {
        struct vd_flight *flight = flight_of(VD_CONTAINER_OF(queue->idle_flights, struct vd_letter, node));

        queue->idle_flights = queue->idle_flights->next;
        vd_flight_drop(flight);
    }
}

void vd_queue_free(struct vdisk_queue *queue)
{
    assert(queue->in_flight == 0 && queue->joined == 0 && !queue->ready && !queue->watches);
    free_failed(queue);
    vd_expiry_destroy(queue);
    /* The alarm can have rung. */
    vd_mailbox_take(&queue->mailbox);
    vd_mailbox_destroy(&queue->mailbox);
    for (unsigned int i = 0; i < queue->touched; i++)
        vd_request_destroy(&queue->requests[i]);
    free_flights(queue);
    vd_bounce_destroy(&queue->bounce);
    free(queue->requests);
    free(queue);
}

/* Tasks. */

void vd_queue_add_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket)
{
    ticket->serial = ++queue->last_serial;
    ticket->next = queue->tickets;
    if (ticket->next)
        ticket->next->previous = ticket;
    queue->tickets = ticket;
    queue->in_flight++;
    queue->unfinished++;
}

static void unlink_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket)
{
    if (ticket->next)
        ticket->next->previous = ticket->previous;
    if (ticket->previous)
        ticket->previous->next = ticket->next;
    else
        queue->tickets = ticket->next;
    queue->in_flight--;
}

void vd_queue_remove_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket)
{
    unlink_ticket(queue, ticket);
    queue->unfinished--;
}

const struct vdisk_error *vd_queue_error(const struct vdisk_queue *queue, const struct vdisk_completion *completion)
{
    uint64_t serial;

    memcpy(&serial, completion->reserved, sizeof serial);
    for (const struct vd_ticket *ticket = queue->failed; ticket; ticket = ticket->next) {
        if (ticket->serial == serial)
            return &ticket->error;
    }
    return NULL;
}

/* Watches. */

void vd_queue_add_watch(struct vdisk_queue *queue, struct vd_watch *watch)
{
    watch->next_of_queue = queue->watches;
    queue->watches = watch;
}

unsigned int vd_queue_end_watches(struct vdisk_queue *queue, const void *user_data)
{
    unsigned int count = 0;

    for (struct vd_watch *watch = queue->watches; watch; watch = watch->next_of_queue)
        count += watch->user_data == user_data && vd_watch_end(watch, -ECANCELED);
    return count;
}

static void remove_watch(struct vdisk_queue *queue, struct vd_watch *watch)
{
    struct vd_watch **link = &queue->watches;

    while (*link != watch)
        link = &(*link)->next_of_queue;
    *link = watch->next_of_queue;
    free(watch);
}

static void reap_watch(struct vdisk_queue *queue, struct vd_watch *watch, struct vdisk_completion *completion)
{
    uint32_t events;
    bool goes_on = vd_watch_take(watch, &events, &completion->result);

    completion->user_data = watch->user_data;
    completion->value = events;
    if (goes_on)
        completion->flags = VDISK_COMPLETION_MORE;
    else
        remove_watch(queue, watch);
}

/* Completion. */

static void take_flight(struct vdisk_queue *queue, struct vd_letter *letter)
{
    struct vd_request *request = flight_of(letter)->first, *next;

    /* It would not be here if all its members had been given up. */
    for (;;) {
        next = request->next;
        vd_request_taken(request);
        vd_expiry_disarm(queue, &request->deadline);
        vd_ready_add_done(queue, &request->letter);
        if (!next)
            return;
        queue->joined--;
        request = next;
    }
}

static void take_task(struct vdisk_queue *queue, struct vd_letter *letter)
{
    struct vd_ticket *ticket = ticket_of(letter);

    vd_ticket_taken(ticket);
    vd_expiry_disarm(queue, &ticket->deadline);
    vd_ready_add_done(queue, letter);
}

VD_APART static void take_other(struct vdisk_queue *queue, struct vd_letter *letter)
{
    switch (letter->kind) {
    case VD_LETTER_TASK:
        take_task(queue, letter);
        break;
    case VD_LETTER_PROGRESS:
    case VD_LETTER_WATCH:
        vd_ready_add(queue, letter);
        break;
    case VD_LETTER_ALARM:
        vd_expiry_alarm_taken(queue);
        break;
    case VD_LETTER_FLIGHT:
    case VD_LETTER_REQUEST:
        assert(!"here");
        break;
    }
}

void vd_queue_collect(struct vdisk_queue *queue)
{
    struct vd_node *node = vd_mailbox_take(&queue->mailbox);

    while (node) {
        struct vd_letter *letter = VD_CONTAINER_OF(node, struct vd_letter, node);

        node = node->next;
        if (letter->kind == VD_LETTER_FLIGHT)
            take_flight(queue, letter);
        else
            take_other(queue, letter);
    }
    vd_give_up_expired(queue);
}

static void reap_request(struct vdisk_queue *queue, struct vd_request *request, struct vdisk_completion *completion)
{
    vd_request_deliver(request, completion);
    vd_pool_release(queue, request);
    queue->in_flight--;
}

/* One that failed is kept until the next reap, for its sentence. */
static void reap_ticket(struct vdisk_queue *queue, struct vd_ticket *ticket, struct vdisk_completion *completion)
{
    vd_ticket_deliver(ticket, completion);
    unlink_ticket(queue, ticket);
    if (ticket->result == 0) {
        vd_ticket_free(ticket);
        return;
    }
    ticket->next = queue->failed;
    queue->failed = ticket;
}

VD_APART static void reap_other(struct vdisk_queue *queue, struct vd_letter *letter,
                                struct vdisk_completion *completion)
{
    switch (letter->kind) {
    case VD_LETTER_TASK:
        reap_ticket(queue, ticket_of(letter), completion);
        break;
    case VD_LETTER_PROGRESS:
        vd_ticket_deliver_progress(ticket_of_progress(letter), completion);
        break;
    case VD_LETTER_WATCH:
        reap_watch(queue, watch_of(letter), completion);
        break;
    case VD_LETTER_REQUEST:
    case VD_LETTER_FLIGHT:
    case VD_LETTER_ALARM:
        assert(!"here");
        break;
    }
}

static void reap_one(struct vdisk_queue *queue, struct vdisk_completion *completion)
{
    struct vd_letter *letter = vd_ready_pop(queue);

    memset(completion, 0, sizeof *completion);
    if (letter->kind == VD_LETTER_REQUEST)
        reap_request(queue, request_of(letter), completion);
    else
        reap_other(queue, letter, completion);
}

static unsigned int reap_ready(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max)
{
    unsigned int count = 0;

    while (count < max && queue->ready)
        reap_one(queue, &completions[count++]);
    return count;
}

/* The bell was silenced by taking from the mailbox; what is not reaped must make it ring again. */
void vd_queue_leave(struct vdisk_queue *queue)
{
    vd_expiry_call_back(queue);
    if (queue->ready)
        vd_mailbox_remind(&queue->mailbox);
}

/*
 * Sleeps until `wanted` that are unfinished may be done, or all, or something else may have changed; false: `deadline`
 * has come. Those that come with another's letter may be the first.
 */
static bool sleep_until(struct vdisk_queue *queue, unsigned int wanted, int64_t deadline)
{
    int64_t expiry = vd_heap_time(&queue->deadlines);
    unsigned int letters = wanted < queue->unfinished ? wanted : queue->unfinished;

    letters = letters > queue->joined ? letters - queue->joined : 1;
    return vd_mailbox_wait_for(&queue->mailbox, letters, deadline < expiry ? deadline : expiry) || expiry < deadline;
}

unsigned int vd_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                           unsigned int max, int64_t deadline)
{
    unsigned int count = 0;
    bool in_time = true;

    free_failed(queue);
    if (min > 0)
        vd_plug_send(queue);
    for (;;) {
        vd_queue_collect(queue);
        count += reap_ready(queue, completions + count, max - count);
        if (count >= min || (queue->in_flight == 0 && !queue->watches) || !in_time)
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
