/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/subscriber.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* The bit of `pending` that says that the subscriber has ended. It is not one of VDISK_EVENT_... */
#define ENDED (UINT64_C(1) << 63)

/*
 * Protects the lists of all disks. A queue can end a subscriber while another thread closes and frees the disk. A lock
 * inside the disk could then be freed while the queue waits for it, so one lock serves all disks. Events are rare, and
 * no thread blocks while it has the lock.
 */
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
    pthread_mutex_lock(&lists_lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&lists_lock);
}

/* Adds to what is pending. The caller has the lock, so nothing is added after the end. */
static void note(struct vd_subscriber *subscriber, uint64_t what)
{
    /*
     * Release: pairs with the acquire in vd_subscriber_take; the queue's thread sees what the event is about, such as
     * the new size. Acquire: pairs with the release there; if nothing was pending, the queue's thread is done with the
     * entry, so it may be posted again.
     */
    if (atomic_fetch_or_explicit(&subscriber->pending, what, memory_order_acq_rel) == 0)
        vd_mailbox_post_urgent(subscriber->mailbox, &subscriber->entry.node);
}

static void unlink_subscriber(struct vd_subscriber *subscriber)
{
    if (subscriber->next)
        subscriber->next->previous = subscriber->previous;
    if (subscriber->previous)
        subscriber->previous->next = subscriber->next;
    else
        subscriber->subscribers->first = subscriber->next;
    subscriber->subscribers = NULL;
}

static void end(struct vd_subscriber *subscriber, int result)
{
    unlink_subscriber(subscriber);
    subscriber->result = result;
    /* This comes last: after it the queue's thread may free the subscriber. */
    note(subscriber, ENDED);
}

bool vd_subscribers_any(const struct vd_subscribers *subscribers)
{
    bool any;

    lock();
    any = subscribers->first;
    unlock();
    return any;
}

void vd_subscribers_tell(struct vd_subscribers *subscribers, uint32_t events)
{
    lock();
    for (struct vd_subscriber *subscriber = subscribers->first; subscriber; subscriber = subscriber->next)
        note(subscriber, events);
    unlock();
}

void vd_subscribers_end(struct vd_subscribers *subscribers, int result)
{
    lock();
    subscribers->ended = true;
    while (subscribers->first)
        end(subscribers->first, result);
    unlock();
}

struct vd_subscriber *vd_subscriber_new(struct vd_mailbox *mailbox, void *user_data)
{
    struct vd_subscriber *subscriber = calloc(1, sizeof *subscriber);

    if (!subscriber)
        return NULL;
    subscriber->entry.kind = VD_ENTRY_EVENT;
    subscriber->mailbox = mailbox;
    subscriber->user_data = user_data;
    return subscriber;
}

bool vd_subscriber_begin(struct vd_subscriber *subscriber, struct vd_subscribers *subscribers)
{
    bool begins;

    lock();
    begins = !subscribers->ended;
    if (begins) {
        subscriber->subscribers = subscribers;
        subscriber->next = subscribers->first;
        if (subscriber->next)
            subscriber->next->previous = subscriber;
        subscribers->first = subscriber;
    }
    unlock();
    return begins;
}

void vd_subscriber_tell(struct vd_subscriber *subscriber, uint32_t events)
{
    lock();
    if (subscriber->subscribers)
        note(subscriber, events);
    unlock();
}

bool vd_subscriber_end(struct vd_subscriber *subscriber, int result)
{
    bool goes_on;

    lock();
    goes_on = subscriber->subscribers;
    if (goes_on)
        end(subscriber, result);
    unlock();
    return goes_on;
}

bool vd_subscriber_take(struct vd_subscriber *subscriber, uint32_t *events, int *result)
{
    /* Release and acquire: pair with those in note, see there. */
    uint64_t pending = atomic_exchange_explicit(&subscriber->pending, 0, memory_order_acq_rel);
    bool goes_on = !(pending & ENDED);

    *events = (uint32_t)pending;
    *result = goes_on ? 0 : subscriber->result;
    return goes_on;
}
