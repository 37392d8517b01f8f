/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk's writes that were given up but may still land, and the later requests that they hold up: a retry must not be
 * overtaken by the write it replaces.
 */
#ifndef VD_UNSETTLED_H
#define VD_UNSETTLED_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A write whose outcome nobody waits for any more. */
struct vd_unsettled_write {
    struct vd_unsettled_write *previous;
    struct vd_unsettled_write *next;
    uint64_t offset;
    uint64_t length;
    /* librbd will still tell of it. false: it does not know either, and only fencing this client settles it. */
    bool with_librbd;
    /* Lets go of its memory, when it is settled otherwise than by librbd. */
    void (*drop)(struct vd_unsettled_write *write);
};

/* A request that waits. */
struct vd_held {
    struct vd_held *next;
    uint64_t offset;
    uint64_t length;
    /* Modifies the range. */
    bool is_write;
    /* Waits for every write held before it, whatever the range. */
    bool is_flush;
    /* Claims it against its queue, which may give it up at the same time: false when that has been quicker. */
    bool (*claim)(struct vd_held *held);
    /* Of a claimed one: hands it to librbd; or, with a negative errno, ends it with that. */
    void (*go)(struct vd_held *held, int result);
};

struct vd_unsettled {
    pthread_mutex_t lock;
    /* Writes and held requests. */
    _Atomic unsigned int count;
    struct vd_unsettled_write *writes;
    struct vd_held *held;
    struct vd_held **held_end;
};

void vd_unsettled_init(struct vd_unsettled *unsettled);

/* Nothing may be held. Drops the writes that are left. */
void vd_unsettled_destroy(struct vd_unsettled *unsettled);

/* Whether there is anything: a look without the lock. */
bool vd_unsettled_any(const struct vd_unsettled *unsettled);

/* How many writes there are, and of them such as librbd will not tell of. */
unsigned int vd_unsettled_writes(struct vd_unsettled *unsettled);
unsigned int vd_unsettled_out_of_sight(struct vd_unsettled *unsettled);

void vd_unsettled_add(struct vd_unsettled *unsettled, struct vd_unsettled_write *write);
/* Returns whether somebody is held, and may be able to go now. */
bool vd_unsettled_remove(struct vd_unsettled *unsettled, struct vd_unsettled_write *write);

/* librbd has told that it does not know. Returns as vd_unsettled_remove does. */
bool vd_unsettled_lose_sight(struct vd_unsettled *unsettled, struct vd_unsettled_write *write);

/* Holds the request if it must wait: true. */
bool vd_unsettled_hold(struct vd_unsettled *unsettled, struct vd_held *held);
/* Takes back one that its queue has claimed. Returns as vd_unsettled_remove does. */
bool vd_unsettled_take_back(struct vd_unsettled *unsettled, struct vd_held *held);

/* Lets those go that need not wait any more, each in turn, by this thread. */
void vd_unsettled_let_go(struct vd_unsettled *unsettled);

/* Ends with `result` those that wait for a write which librbd will not tell of. */
void vd_unsettled_end_stuck(struct vd_unsettled *unsettled, int result);

/* The client is fenced: drops the writes that librbd will not tell of. Returns as vd_unsettled_remove does. */
bool vd_unsettled_fenced(struct vd_unsettled *unsettled);

#endif
