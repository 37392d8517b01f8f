/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/write_barrier.h"

#include <assert.h>
#include <stddef.h>

void vd_write_barrier_init(struct vd_write_barrier *barrier)
{
    *barrier = (struct vd_write_barrier){0};
    pthread_mutex_init(&barrier->lock, NULL);
}

void vd_write_barrier_destroy(struct vd_write_barrier *barrier)
{
    assert(!barrier->first_ordered);
    vd_write_barrier_fenced(barrier);
    assert(!barrier->writes);
    pthread_mutex_destroy(&barrier->lock);
}

/* Relaxed: the counts are read without the lock, and no other data is read by them (vd_write_barrier_any). */
static void count(_Atomic unsigned int *number, int change)
{
    atomic_fetch_add_explicit(number, (unsigned int)change, memory_order_relaxed);
}

static bool overlaps(const struct vd_ordered *ordered, const struct vd_indeterminate_write *write)
{
    return ordered->offset < write->offset + write->length && write->offset < ordered->offset + ordered->length;
}

/*
 * Finds a write that the request overlaps; NULL: there is none. If one of them is untracked it is returned, because the
 * request waits longest for that one.
 */
static const struct vd_indeterminate_write *find_overlap(const struct vd_write_barrier *barrier,
                                                         const struct vd_ordered *ordered)
{
    const struct vd_indeterminate_write *found = NULL;

    for (const struct vd_indeterminate_write *write = barrier->writes; write; write = write->next) {
        if (!overlaps(ordered, write))
            continue;
        if (!write->tracked)
            return write;
        found = write;
    }
    return found;
}

/* Returns whether a write of the same owner is listed before the flush. A flush that is not listed comes last. */
static bool has_earlier_write(const struct vd_write_barrier *barrier, const struct vd_ordered *flush)
{
    for (const struct vd_ordered *ordered = barrier->first_ordered; ordered && ordered != flush;
         ordered = ordered->next) {
        if (ordered->is_write && ordered->owner == flush->owner)
            return true;
    }
    return false;
}

/* Returns 1 if the request must wait and may, a negative errno if it must but may not. */
static int wait_or_refuse(struct vd_ordered *ordered, bool is_stuck)
{
    int r = ordered->refusal(ordered, is_stuck);

    return r < 0 ? r : 1;
}

/* Returns 1 if the request must wait, 0 if it can start, or a negative errno if it must wait but may not. */
static int must_wait(const struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    const struct vd_indeterminate_write *write;

    if (ordered->is_flush)
        return has_earlier_write(barrier, ordered) ? wait_or_refuse(ordered, false) : 0;
    write = find_overlap(barrier, ordered);
    return write ? wait_or_refuse(ordered, !write->tracked) : 0;
}

static void link_ordered(struct vd_write_barrier *barrier, struct vd_ordered *ordered, bool blocked)
{
    ordered->blocked = blocked;
    ordered->next = NULL;
    ordered->previous = barrier->last_ordered;
    if (ordered->previous)
        ordered->previous->next = ordered;
    else
        barrier->first_ordered = ordered;
    barrier->last_ordered = ordered;
    barrier->blocked_count += blocked;
    count(&barrier->count, 1);
}

static void unlink_ordered(struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    if (ordered->next)
        ordered->next->previous = ordered->previous;
    else
        barrier->last_ordered = ordered->previous;
    if (ordered->previous)
        ordered->previous->next = ordered->next;
    else
        barrier->first_ordered = ordered->next;
    barrier->blocked_count -= ordered->blocked;
    count(&barrier->count, -1);
}

static void unlink_write(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write)
{
    if (write->next)
        write->next->previous = write->previous;
    if (write->previous)
        write->previous->next = write->next;
    else
        barrier->writes = write->next;
    count(&barrier->count, -1);
    count(&barrier->write_count, -1);
}

void vd_write_barrier_add(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write)
{
    pthread_mutex_lock(&barrier->lock);
    write->previous = NULL;
    write->next = barrier->writes;
    if (write->next)
        write->next->previous = write;
    barrier->writes = write;
    count(&barrier->count, 1);
    count(&barrier->write_count, 1);
    pthread_mutex_unlock(&barrier->lock);
}

bool vd_write_barrier_remove(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write)
{
    bool any_blocked;

    pthread_mutex_lock(&barrier->lock);
    unlink_write(barrier, write);
    any_blocked = barrier->blocked_count > 0;
    pthread_mutex_unlock(&barrier->lock);
    return any_blocked;
}

bool vd_write_barrier_untrack(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write)
{
    bool any_blocked;

    pthread_mutex_lock(&barrier->lock);
    write->tracked = false;
    any_blocked = barrier->blocked_count > 0;
    pthread_mutex_unlock(&barrier->lock);
    return any_blocked;
}

unsigned int vd_write_barrier_untracked(struct vd_write_barrier *barrier)
{
    unsigned int found = 0;

    pthread_mutex_lock(&barrier->lock);
    for (const struct vd_indeterminate_write *write = barrier->writes; write; write = write->next)
        found += !write->tracked;
    pthread_mutex_unlock(&barrier->lock);
    return found;
}

bool vd_write_barrier_fenced(struct vd_write_barrier *barrier)
{
    struct vd_indeterminate_write *write, *next;
    bool any_blocked;

    pthread_mutex_lock(&barrier->lock);
    for (write = barrier->writes; write; write = next) {
        next = write->next;
        if (write->tracked)
            continue;
        unlink_write(barrier, write);
        write->free(write);
    }
    any_blocked = barrier->blocked_count > 0;
    pthread_mutex_unlock(&barrier->lock);
    return any_blocked;
}

int vd_write_barrier_block(struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    int r;

    pthread_mutex_lock(&barrier->lock);
    r = must_wait(barrier, ordered);
    if (r > 0)
        link_ordered(barrier, ordered, true);
    pthread_mutex_unlock(&barrier->lock);
    return r;
}

void vd_write_barrier_list(struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    pthread_mutex_lock(&barrier->lock);
    link_ordered(barrier, ordered, false);
    pthread_mutex_unlock(&barrier->lock);
}

bool vd_write_barrier_unlist(struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    bool any_blocked;

    pthread_mutex_lock(&barrier->lock);
    unlink_ordered(barrier, ordered);
    any_blocked = barrier->blocked_count > 0;
    pthread_mutex_unlock(&barrier->lock);
    return any_blocked;
}

/*
 * Takes a blocked request over if it need not wait any more, or may not. Returns false if it stays blocked. A request
 * that its queue has cancelled first stays listed until the queue removes it. The caller has the lock.
 */
static bool try_unblock(struct vd_write_barrier *barrier, struct vd_ordered *ordered)
{
    int r;

    if (!ordered->blocked)
        return false;
    r = must_wait(barrier, ordered);
    if (r > 0 || !ordered->unblock(ordered))
        return false;
    ordered->blocked = false;
    barrier->blocked_count--;
    ordered->result = r;
    return true;
}

/*
 * Unblocks what it can in one pass over the list. Returns the requests to start, linked by next_unblocked. They stay
 * listed until they have completed, so that flushes wait for them.
 */
static struct vd_ordered *unblock_all(struct vd_write_barrier *barrier)
{
    struct vd_ordered *first = NULL, **end = &first;

    pthread_mutex_lock(&barrier->lock);
    for (struct vd_ordered *ordered = barrier->first_ordered; ordered; ordered = ordered->next) {
        if (try_unblock(barrier, ordered)) {
            *end = ordered;
            end = &ordered->next_unblocked;
        }
    }
    *end = NULL;
    pthread_mutex_unlock(&barrier->lock);
    return first;
}

void vd_write_barrier_unblock(struct vd_write_barrier *barrier)
{
    struct vd_ordered *ordered = unblock_all(barrier);

    while (ordered) {
        /* Read the link first: once started, the request can complete and be freed. */
        struct vd_ordered *next = ordered->next_unblocked;

        ordered->start(ordered, ordered->result);
        ordered = next;
    }
}
