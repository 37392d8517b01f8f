/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/watch.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

/* Among the events. */
#define ENDED (UINT64_C(1) << 63)

/*
 * Of the lists of all disks. One for all, since a queue ends a watch whose disk another thread may be closing, so that
 * a lock within the disk could go while it is waited for. Events are rare, and nobody waits with it held.
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

/* With the lock held, so that nothing comes after the end. */
static void note(struct vd_watch *watch, uint64_t what)
{
    /*
     * Release: who takes it sees what it tells of, such as the new size. Acquire: when it was zero, the queue's thread
     * has taken the letter from its list and is done with it.
     */
    if (atomic_fetch_or_explicit(&watch->pending, what, memory_order_acq_rel) == 0)
        vd_mailbox_post_urgent(watch->mailbox, &watch->letter.node);
}

static void unlink_watch(struct vd_watch *watch)
{
    if (watch->next)
        watch->next->previous = watch->previous;
    if (watch->previous)
        watch->previous->next = watch->next;
    else
        watch->watches->first = watch->next;
    watch->watches = NULL;
}

static void end(struct vd_watch *watch, int result)
{
    unlink_watch(watch);
    watch->result = result;
    /* The last that is done here: after it the queue's thread may free the watch. */
    note(watch, ENDED);
}

bool vd_watches_any(const struct vd_watches *watches)
{
    bool any;

    lock();
    any = watches->first;
    unlock();
    return any;
}

void vd_watches_tell(struct vd_watches *watches, uint32_t events)
{
    lock();
    for (struct vd_watch *watch = watches->first; watch; watch = watch->next)
        note(watch, events);
    unlock();
}

void vd_watches_end(struct vd_watches *watches, int result)
{
    lock();
    watches->ended = true;
    while (watches->first)
        end(watches->first, result);
    unlock();
}

struct vd_watch *vd_watch_new(struct vd_mailbox *mailbox, void *user_data)
{
    struct vd_watch *watch = calloc(1, sizeof *watch);

    if (!watch)
        return NULL;
    watch->letter.kind = VD_LETTER_WATCH;
    watch->mailbox = mailbox;
    watch->user_data = user_data;
    return watch;
}

bool vd_watch_begin(struct vd_watch *watch, struct vd_watches *watches)
{
    bool begins;

    lock();
    begins = !watches->ended;
    if (begins) {
        watch->watches = watches;
        watch->next = watches->first;
        if (watch->next)
            watch->next->previous = watch;
        watches->first = watch;
    }
    unlock();
    return begins;
}

void vd_watch_tell(struct vd_watch *watch, uint32_t events)
{
    lock();
    if (watch->watches)
        note(watch, events);
    unlock();
}

bool vd_watch_end(struct vd_watch *watch, int result)
{
    bool goes_on;

    lock();
    goes_on = watch->watches;
    if (goes_on)
        end(watch, result);
    unlock();
    return goes_on;
}

bool vd_watch_take(struct vd_watch *watch, uint32_t *events, int *result)
{
    /* Release and acquire: see note. */
    uint64_t pending = atomic_exchange_explicit(&watch->pending, 0, memory_order_acq_rel);
    bool goes_on = !(pending & ENDED);

    *events = (uint32_t)pending;
    *result = goes_on ? 0 : watch->result;
    return goes_on;
}
