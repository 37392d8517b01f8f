/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk's write barrier lists the indeterminate writes: nobody waits for them any more, but they may still reach the
 * image. It blocks later requests to the same range until those writes have settled. So a retry is never overtaken by
 * the write that it replaces.
 *
 * Any thread may call these functions. They take the barrier's lock for a short time and do not block otherwise.
 */
#ifndef VD_WRITE_BARRIER_H
#define VD_WRITE_BARRIER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* An indeterminate write. Embedded in the I/O that makes it. */
struct vd_indeterminate_write {
    struct vd_indeterminate_write *previous;
    struct vd_indeterminate_write *next;
    uint64_t offset;
    uint64_t length;
    /* librbd will still report on it. If not, the write is untracked, and only fencing this client settles it. */
    bool tracked;
    /* Drops the barrier's reference to the memory, when fencing has settled the write. Called under the lock. */
    void (*free)(struct vd_indeterminate_write *write);
};

/*
 * An ordered request is an accepted request that is blocked, or that a later flush must wait for. The latter is a write
 * that librbd did not get as a whole on its acceptance: a flush of the same queue could overtake the rest. The request
 * is listed until it has completed or is cancelled.
 */
struct vd_ordered {
    struct vd_ordered *previous;
    struct vd_ordered *next;
    /* The queue that it belongs to, only for comparison. */
    const void *owner;
    uint64_t offset;
    uint64_t length;
    /* It changes the range. */
    bool is_write;
    /* It has no range, but waits for every write of the same owner that is listed before it. */
    bool is_flush;
    /*
     * Called under the lock for a request that must wait. Returns 0 if it may wait, or the negative errno to
     * complete it with. `is_stuck`: it would wait for an untracked write.
     */
    int (*refusal)(struct vd_ordered *ordered, bool is_stuck);
    /*
     * Called under the lock. Takes the request over from its queue in order to start it. Returns false if the
     * queue has cancelled it first.
     */
    bool (*unblock)(struct vd_ordered *ordered);
    /* Called without the lock after that: hands the request to librbd, or completes it with a negative `result`. */
    void (*start)(struct vd_ordered *ordered, int result);

    /* It is blocked. Protected by the lock. */
    bool blocked;
    /* For the thread that has unblocked it alone: what to start it with, and which request to start next. */
    int result;
    struct vd_ordered *next_unblocked;
};

struct vd_write_barrier {
    pthread_mutex_t lock;
    /* How many writes and ordered requests are listed, and how many writes alone. They change under the lock. */
    _Atomic unsigned int count;
    _Atomic unsigned int write_count;
    struct vd_indeterminate_write *writes;
    /* The ordered requests, oldest first, and how many of them are blocked. */
    struct vd_ordered *first_ordered;
    struct vd_ordered *last_ordered;
    unsigned int blocked_count;
};

void vd_write_barrier_init(struct vd_write_barrier *barrier);

/* Frees the untracked writes that are left. No tracked write and no request may be listed. */
void vd_write_barrier_destroy(struct vd_write_barrier *barrier);

/* Returns whether anything is listed, without taking the lock. */
static inline bool vd_write_barrier_any(const struct vd_write_barrier *barrier)
{
    /*
     * Relaxed: a thread that cancels a write and then submits the retry sees the write that it has added itself. If
     * another thread submits the retry, it has learned of the cancelling somehow, and that orders this load, too.
     */
    return atomic_load_explicit(&barrier->count, memory_order_relaxed) > 0;
}

/* Returns how many indeterminate writes there are, without taking the lock. */
static inline unsigned int vd_write_barrier_writes(const struct vd_write_barrier *barrier)
{
    /* Relaxed: a count, by which no other data is read. */
    return atomic_load_explicit(&barrier->write_count, memory_order_relaxed);
}

/* Returns how many of the indeterminate writes are untracked. */
unsigned int vd_write_barrier_untracked(struct vd_write_barrier *barrier);

/* Lists a write. */
void vd_write_barrier_add(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);

/*
 * The functions that return bool return whether any request is blocked. The caller then has to see to it that
 * vd_write_barrier_unblock is called, because that request may be able to start now.
 */

/* Removes a write that has settled. */
bool vd_write_barrier_remove(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);

/* Makes a write untracked: librbd has reported that it does not know the outcome. */
bool vd_write_barrier_untrack(struct vd_write_barrier *barrier, struct vd_indeterminate_write *write);

/* Settles the untracked writes, because the client is fenced. */
bool vd_write_barrier_fenced(struct vd_write_barrier *barrier);

/* Removes an ordered request that has completed, or that its queue has cancelled. */
bool vd_write_barrier_unlist(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/*
 * Lists the request as blocked and returns 1 if it must wait. Returns 0 if it need not wait, or the negative errno of
 * `refusal` if it must but may not; it is not listed then.
 */
int vd_write_barrier_block(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/* Lists a request that need not wait, so that flushes wait for it. */
void vd_write_barrier_list(struct vd_write_barrier *barrier, struct vd_ordered *ordered);

/*
 * Unblocks the requests that need not wait any more, or may not, and starts them on this thread. It calls librbd, so it
 * is for background jobs.
 */
void vd_write_barrier_unblock(struct vd_write_barrier *barrier);

#endif
