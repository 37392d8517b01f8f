/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A subscriber receives the events of a disk through a queue (vdisk_aio_watch). It is in two lists: its queue's until
 * it is freed, and its disk's until it ends. Events that come before its entry is reaped are combined in that entry.
 */
#ifndef VD_SUBSCRIBER_H
#define VD_SUBSCRIBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/entry.h"

struct vd_subscriber {
    struct vd_entry entry;
    /* The queue's mailbox, which the entry is posted to. */
    struct vd_mailbox *mailbox;
    void *user_data;
    /* The link of the queue's list. Only the queue's thread uses it. */
    struct vd_subscriber *next_of_queue;
    /* The disk's list; NULL once the subscriber has ended. */
    struct vd_subscribers *subscribers;
    struct vd_subscriber *previous;
    struct vd_subscriber *next;
    /*
     * VDISK_EVENT_... that the queue has not taken, and a bit that says that the subscriber has ended. While it is not
     * zero, the entry is in the mailbox or about to be posted.
     */
    _Atomic uint64_t pending;
    /* Why the subscriber has ended: a negative errno. */
    int result;
};

/* The subscribers of one disk. All zero: there are none. */
struct vd_subscribers {
    struct vd_subscriber *first;
    /* No other subscriber can begin. */
    bool ended;
};

/* The next three functions are for the disk. Any thread may call them. They take a lock, but only for short. */

/* Returns whether there is a subscriber. Without one, events need not be found. */
bool vd_subscribers_any(const struct vd_subscribers *subscribers);

/* Tells every subscriber of these VDISK_EVENT_... */
void vd_subscribers_tell(struct vd_subscribers *subscribers, uint32_t events);

/* Ends every subscriber with this result. No other can begin afterwards. */
void vd_subscribers_end(struct vd_subscribers *subscribers, int result);

/* The others are for the queue's thread. They take the same lock for short. */

/*
 * Returns a new subscriber that is in no list, or NULL if memory is out. The caller frees it with free() after
 * vd_subscriber_take has said that it has ended, or if it never began.
 */
struct vd_subscriber *vd_subscriber_new(struct vd_mailbox *mailbox, void *user_data);

/* Adds the subscriber to a disk's list. The caller keeps the disk. Returns false if the list has ended. */
bool vd_subscriber_begin(struct vd_subscriber *subscriber, struct vd_subscribers *subscribers);

/* Tells this subscriber alone of these VDISK_EVENT_..., unless it has ended. */
void vd_subscriber_tell(struct vd_subscriber *subscriber, uint32_t events);

/*
 * Ends the subscriber with this result; its entry then reports the end. Returns false if it has ended already. The disk
 * need not exist any more.
 */
bool vd_subscriber_end(struct vd_subscriber *subscriber, int result);

/*
 * Takes the pending events of a subscriber whose entry was taken from the mailbox. Returns whether it goes on; if not,
 * *result is why it has ended.
 */
bool vd_subscriber_take(struct vd_subscriber *subscriber, uint32_t *events, int *result);

#endif
