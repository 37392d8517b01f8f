/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk's writes that were cancelled but may still complete, and the later requests that they hold up: a retry must
 * not be overtaken by the write it replaces.
 */
#ifndef VD_WRITE_BARRIER_H
#define VD_WRITE_BARRIER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A write whose outcome nobody waits for any more. */
struct vd_indeterminate_write {
    struct vd_indeterminate_write *previous;
    struct vd_indeterminate_write *next;
    uint64_t offset;
    uint64_t length;
    /* librbd will still tell of it. false: it does not know either, and only fencing this client settles it. */
    bool tracked;
    /* Lets go of its memory, when it is settled otherwise than by librbd. */
    void (*free)(struct vd_indeterminate_write *write);
};

/*
 * A request that may have to wait, or that a flush has to wait for: accepted, and not sent as a whole. Listed until it
 * has completed, or is cancelled.
 */
struct vd_ordered {
    struct vd_ordered *previous;
    struct vd_ordered *next;
    /* Whose it is: a queue's. */
    const void *owner;
    uint64_t offset;
    uint64_t length;
    /* Modifies the range. */
    bool is_write;
    /* Waits for every write of its owner's that is listed before it, whatever the range. */
    bool is_flush;
    /*
     * With the lock held: whether it may go on waiting. 0, or the negative errno to end with. `is_stuck`: for a write
     * that librbd will not tell of.
     */
    int (*refusal)(struct vd_ordered *ordered, bool is_stuck);
    /* Claims it against its queue, which may give it up at the same time: false when that has been quicker. */
    bool (*unblock)(struct vd_ordered *ordered);
    /* Of a claimed one: hands it to librbd; or, with a negative errno, ends it with that. */
    void (*start)(struct vd_ordered *ordered, int result);

    /* Under the lock: it is not claimed. After that, the claimer's: what to go with, and who goes after it. */
    bool blocked;
    int result;
    struct vd_ordered *next_unblocked;
};

struct vd_write_barrier {
    pthread_mutex_t lock;
    /* Writes and held requests together, and the former alone. */
    _Atomic unsigned int count;
    _Atomic unsigned int write_count;
    struct vd_indeterminate_write *writes;
    /* Oldest first; and how many of them wait. */
    struct vd_ordered *first_ordered;
    struct vd_ordered *last_ordered;
    unsigned int blocked_count;
};

void vd_write_barrier_init(struct vd_write_barrier *barrier);

/* Nothing may be held. Drops the writes that are left. */
void vd_write_barrier_destroy(struct vd_write_barrier *barrier);

/* Whether there is anything: a look without the lock. */
static inline bool vd_write_barrier_any(const struct vd_write_barrier *barrier)
{
    /*
     * Relaxed: who gives a write up and then submits its retry sees its own adding; between threads, whatever tells
     * one of the other's cancelling orders this too.
     */
    return atomic_load_explicit(&barrier->count, memory_order_relaxed) > 0;
}

/* How many writes there are; and how many of them librbd will not tell of. */
static inline unsigned int vd_write_barrier_writes(const struct vd_write_barrier *barrier)
{
    return atomic_load_explicit(&barrier->write_count, memory_order_relaxed);
}
unsigned int vd_write_barrier_untracked(struct vd_write_barrier *barrier);

void vd_write_barrier_add(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);
/* This, and the others that say so, returns whether somebody waits, and may be able to go now. */
bool vd_write_barrier_remove(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);

/* librbd has told that it does not know. Returns whether somebody waits. */
bool vd_write_barrier_untrack(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);

/* Lists the request if it must wait: 1. 0: it need not, and is not listed. A negative errno: it must, and may not. */
int vd_write_barrier_block(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/* Lists one that need not wait, for flushes to wait for. */
void vd_write_barrier_list(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/* Takes it from the list: it has completed, or its queue has claimed it. Returns whether somebody waits. */
bool vd_write_barrier_unlist(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/* Lets those go that need not wait any more, or may not, by this thread. */
void vd_write_barrier_unblock(struct vd_write_barrier *barrier);

/* The client is fenced: drops the writes that librbd will not tell of. Returns whether somebody waits. */
bool vd_write_barrier_fenced(struct vd_write_barrier *barrier);

#endif
