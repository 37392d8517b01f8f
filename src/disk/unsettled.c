/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/unsettled.h"

#include <assert.h>
#include <stddef.h>

void vd_unsettled_init(struct vd_unsettled *unsettled)
{
    *unsettled = (struct vd_unsettled){0};
    pthread_mutex_init(&unsettled->lock, NULL);
}

void vd_unsettled_destroy(struct vd_unsettled *unsettled)
{
    assert(!unsettled->first_held);
    vd_unsettled_fenced(unsettled);
    assert(!unsettled->writes);
    pthread_mutex_destroy(&unsettled->lock);
}

static void count(_Atomic unsigned int *number, int change)
{
    atomic_fetch_add_explicit(number, (unsigned int)change, memory_order_relaxed);
}

/* With the lock held: who waits for whom. */

static bool overlaps(const struct vd_held *held, const struct vd_unsettled_write *write)
{
    return held->offset < write->offset + write->length && write->offset < held->offset + held->length;
}

/* One that librbd will not tell of, if there is any: for that it is to wait longest. */
static const struct vd_unsettled_write *find_overlap(const struct vd_unsettled *unsettled, const struct vd_held *held)
{
    const struct vd_unsettled_write *found = NULL;

    for (const struct vd_unsettled_write *write = unsettled->writes; write; write = write->next) {
        if (!overlaps(held, write))
            continue;
        if (!write->with_librbd)
            return write;
        found = write;
    }
    return found;
}

/* Whether a write of the same owner's is listed before it, or at all when it is not listed itself. */
static bool is_after_write(const struct vd_unsettled *unsettled, const struct vd_held *flush)
{
    for (const struct vd_held *held = unsettled->first_held; held && held != flush; held = held->next) {
        if (held->is_write && held->owner == flush->owner)
            return true;
    }
    return false;
}

/* 1: it must wait. 0: it need not. A negative errno: it must, and may not. */
static int judge(const struct vd_unsettled *unsettled, struct vd_held *held)
{
    const struct vd_unsettled_write *write = held->is_flush ? NULL : find_overlap(unsettled, held);
    int r;

    if (held->is_flush ? !is_after_write(unsettled, held) : !write)
        return 0;
    r = held->refusal(held, write && !write->with_librbd);
    return r < 0 ? r : 1;
}

static void link_held(struct vd_unsettled *unsettled, struct vd_held *held, bool waits)
{
    held->waits = waits;
    held->next = NULL;
    held->previous = unsettled->last_held;
    if (held->previous)
        held->previous->next = held;
    else
        unsettled->first_held = held;
    unsettled->last_held = held;
    unsettled->waiting += waits;
    count(&unsettled->count, 1);
}

static void unlink_held(struct vd_unsettled *unsettled, struct vd_held *held)
{
    if (held->next)
        held->next->previous = held->previous;
    else
        unsettled->last_held = held->previous;
    if (held->previous)
        held->previous->next = held->next;
    else
        unsettled->first_held = held->next;
    unsettled->waiting -= held->waits;
    count(&unsettled->count, -1);
}

static void unlink_write(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    if (write->next)
        write->next->previous = write->previous;
    if (write->previous)
        write->previous->next = write->next;
    else
        unsettled->writes = write->next;
    count(&unsettled->count, -1);
    count(&unsettled->write_count, -1);
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
    count(&unsettled->count, 1);
    count(&unsettled->write_count, 1);
    pthread_mutex_unlock(&unsettled->lock);
}

bool vd_unsettled_remove(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    bool waiting;

    pthread_mutex_lock(&unsettled->lock);
    unlink_write(unsettled, write);
    waiting = unsettled->waiting > 0;
    pthread_mutex_unlock(&unsettled->lock);
    return waiting;
}

bool vd_unsettled_lose_sight(struct vd_unsettled *unsettled, struct vd_unsettled_write *write)
{
    bool waiting;

    pthread_mutex_lock(&unsettled->lock);
    write->with_librbd = false;
    waiting = unsettled->waiting > 0;
    pthread_mutex_unlock(&unsettled->lock);
    return waiting;
}

unsigned int vd_unsettled_out_of_sight(struct vd_unsettled *unsettled)
{
    unsigned int found = 0;

    pthread_mutex_lock(&unsettled->lock);
    for (const struct vd_unsettled_write *write = unsettled->writes; write; write = write->next)
        found += !write->with_librbd;
    pthread_mutex_unlock(&unsettled->lock);
    return found;
}

bool vd_unsettled_fenced(struct vd_unsettled *unsettled)
{
    struct vd_unsettled_write *write, *next;
    bool waiting;

    pthread_mutex_lock(&unsettled->lock);
    for (write = unsettled->writes; write; write = next) {
        next = write->next;
        if (write->with_librbd)
            continue;
        unlink_write(unsettled, write);
        write->drop(write);
    }
    waiting = unsettled->waiting > 0;
    pthread_mutex_unlock(&unsettled->lock);
    return waiting;
}

/* Held requests. */

int vd_unsettled_hold(struct vd_unsettled *unsettled, struct vd_held *held)
{
    int r;

    pthread_mutex_lock(&unsettled->lock);
    r = judge(unsettled, held);
    if (r > 0)
        link_held(unsettled, held, true);
    pthread_mutex_unlock(&unsettled->lock);
    return r;
}

void vd_unsettled_list(struct vd_unsettled *unsettled, struct vd_held *held)
{
    pthread_mutex_lock(&unsettled->lock);
    link_held(unsettled, held, false);
    pthread_mutex_unlock(&unsettled->lock);
}

bool vd_unsettled_leave(struct vd_unsettled *unsettled, struct vd_held *held)
{
    bool waiting;

    pthread_mutex_lock(&unsettled->lock);
    unlink_held(unsettled, held);
    waiting = unsettled->waiting > 0;
    pthread_mutex_unlock(&unsettled->lock);
    return waiting;
}

/* With the lock held. One that its queue has claimed stays for the queue to take from the list. */
static bool claim(struct vd_unsettled *unsettled, struct vd_held *held)
{
    int r;

    if (!held->waits)
        return false;
    r = judge(unsettled, held);
    if (r > 0 || !held->claim(held))
        return false;
    held->waits = false;
    unsettled->waiting--;
    held->result = r;
    return true;
}

/* Claims all that go, in one look at the list. They stay listed, for flushes to wait until they have landed. */
static struct vd_held *claim_all(struct vd_unsettled *unsettled)
{
    struct vd_held *first = NULL, **end = &first;

    pthread_mutex_lock(&unsettled->lock);
    for (struct vd_held *held = unsettled->first_held; held; held = held->next) {
        if (claim(unsettled, held)) {
            *end = held;
            end = &held->goes_next;
        }
    }
    *end = NULL;
    pthread_mutex_unlock(&unsettled->lock);
    return first;
}

void vd_unsettled_let_go(struct vd_unsettled *unsettled)
{
    struct vd_held *held = claim_all(unsettled);

    while (held) {
        struct vd_held *next = held->goes_next;

        held->go(held, held->result);
        held = next;
    }
}
