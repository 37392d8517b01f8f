/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unsettled.h"

#include <assert.h>
#include <stddef.h>

void vd_unsettled_init(struct vd_unsettled *unsettled)
{
    *unsettled = (struct vd_unsettled){.held_end = &unsettled->held};
    pthread_mutex_init(&unsettled->lock, NULL);
}

void vd_unsettled_destroy(struct vd_unsettled *unsettled)
{
    assert(!unsettled->held);
    vd_unsettled_fenced(unsettled);
    assert(!unsettled->writes);
    pthread_mutex_destroy(&unsettled->lock);
}

bool vd_unsettled_any(const struct vd_unsettled *unsettled)
{
    /*
     * Relaxed: who gives a write up and then submits its retry sees its own adding; between threads, whatever tells
     * one of the other's giving up orders this too.
     */
    return atomic_load_explicit(&unsettled->count, memory_order_relaxed) > 0;
}

static void count(struct vd_unsettled *unsettled, int change)
{
    atomic_fetch_add_explicit(&unsettled->count, (unsigned int)change, memory_order_relaxed);
}

/* With the lock held: who waits for whom. */

static bool overlaps(const struct vd_held *held, const struct vd_unsettled_write *write)
{
    return held->offset < write->offset + write->length && write->offset < held->offset + held->length;
}

static const struct vd_unsettled_write *find_overlap(const struct vd_unsettled *unsettled, const struct vd_held *held,
                                                     bool with_librbd, bool without)
{
    for (const struct vd_unsettled_write *write = unsettled->writes; write; write = write->next) {
        if ((write->with_librbd ? with_librbd : without) && overlaps(held, write))
            return write;
    }
    return NULL;
}

/* Whether a write is held, before `end` in the list. */
static bool write_held_before(const struct vd_unsettled *unsettled, const struct vd_held *end)
{
    for (const struct vd_held *held = unsettled->held; held && held != end; held = held->next) {
        if (held->is_write)
            return true;
    }
    return false;
}

static bool must_wait(const struct vd_unsettled *unsettled, const struct vd_held *held)
{
    if (held->is_flush)
        return write_held_before(unsettled, held);
    return find_overlap(unsettled, held, true, true);
}

static bool is_stuck(const struct vd_unsettled *unsettled, const struct vd_held *held)
{
    return !held->is_flush && find_overlap(unsettled, held, false, true);
}

static void unlink_held(struct vd_unsettled *unsettled, struct vd_held **link)
{
    struct vd_held *next = (*link)->next;

    *link = next;
    if (!next)
        unsettled->held_end = link;
    count(unsettled, -1);
}

static void unlink_write(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    if (write->next)
        write->next->previous = write->previous;
    if (write->previous)
        write->previous->next = write->next;
    else
        unsettled->writes = write->next;
    count(unsettled, -1);
}

/* Writes. */

void vd_unsettled_add(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    pthread_mutex_lock(&unsettled->lock);
    write->previous = NULL;
    write->next = unsettled->writes;
    if (write->next)
        write->next->previous = write;
    unsettled->writes = write;
    count(unsettled, 1);
    pthread_mutex_unlock(&unsettled->lock);
}

bool vd_unsettled_remove(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    bool any_held;

    pthread_mutex_lock(&unsettled->lock);
    unlink_write(unsettled, write);
    any_held = unsettled->held;
    pthread_mutex_unlock(&unsettled->lock);
    return any_held;
}

bool vd_unsettled_lose_sight(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    bool any_held;

    pthread_mutex_lock(&unsettled->lock);
    write->with_librbd = false;
    any_held = unsettled->held;
    pthread_mutex_unlock(&unsettled->lock);
    return any_held;
}

static unsigned int count_writes(struct vd_unsettled *unsettled, bool with_librbd)
{
    unsigned int found = 0;

    pthread_mutex_lock(&unsettled->lock);
    for (const struct vd_unsettled_write *write = unsettled->writes; write; write = write->next)
        found += with_librbd || !write->with_librbd;
    pthread_mutex_unlock(&unsettled->lock);
    return found;
}

unsigned int vd_unsettled_writes(struct vd_unsettled *unsettled)
{
    return count_writes(unsettled, true);
}

unsigned int vd_unsettled_out_of_sight(struct vd_unsettled *unsettled)
{
    return count_writes(unsettled, false);
}

bool vd_unsettled_fenced(struct vd_unsettled *unsettled)
{
    struct vd_unsettled_write *write, *next;
    bool any_held;

    pthread_mutex_lock(&unsettled->lock);
    for (write = unsettled->writes; write; write = next) {
        next = write->next;
        if (write->with_librbd)
            continue;
        unlink_write(unsettled, write);
        write->drop(write);
    }
    any_held = unsettled->held;
    pthread_mutex_unlock(&unsettled->lock);
    return any_held;
}

/* Held requests. */

bool vd_unsettled_hold(struct vd_unsettled *unsettled, struct vd_held *held)
{
    bool waits;

    pthread_mutex_lock(&unsettled->lock);
    held->next = NULL;
    waits = must_wait(unsettled, held);
    if (waits) {
        *unsettled->held_end = held;
        unsettled->held_end = &held->next;
        count(unsettled, 1);
    }
    pthread_mutex_unlock(&unsettled->lock);
    return waits;
}

bool vd_unsettled_take_back(struct vd_unsettled *unsettled, struct vd_held *held)
{
    struct vd_held **link = &unsettled->held;
    bool any_held;

    pthread_mutex_lock(&unsettled->lock);
    while (*link != held)
        link = &(*link)->next;
    unlink_held(unsettled, link);
    any_held = unsettled->held;
    pthread_mutex_unlock(&unsettled->lock);
    return any_held;
}

static bool may_go(const struct vd_unsettled *unsettled, const struct vd_held *held, bool because_stuck)
{
    return because_stuck ? is_stuck(unsettled, held) : !must_wait(unsettled, held);
}

/* Unlinks the first one that may go, claimed. One that its queue has claimed stays for the queue to take back. */
static struct vd_held *next_to_go(struct vd_unsettled *unsettled, bool because_stuck)
{
    struct vd_held **link = &unsettled->held, *held;

    pthread_mutex_lock(&unsettled->lock);
    while ((held = *link) && !(may_go(unsettled, held, because_stuck) && held->claim(held)))
        link = &held->next;
    if (held)
        unlink_held(unsettled, link);
    pthread_mutex_unlock(&unsettled->lock);
    return held;
}

void vd_unsettled_let_go(struct vd_unsettled *unsettled)
{
    struct vd_held *held;

    while ((held = next_to_go(unsettled, false)))
        held->go(held, 0);
}

void vd_unsettled_end_stuck(struct vd_unsettled *unsettled, int result)
{
    struct vd_held *held;

    while ((held = next_to_go(unsettled, true)))
        held->go(held, result);
}
