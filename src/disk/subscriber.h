/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Somebody who wants to hear, through a queue, what happens to a disk. A watch is in two lists: its queue's, for as
 * long as it lives, and its disk's, until it ends. What happens before it is reaped adds up to one entry.
 */
#ifndef VD_SUBSCRIBER_H
#define VD_SUBSCRIBER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/entry.h"

struct vd_subscriber {
    struct vd_entry entry;
    struct vd_mailbox *mailbox;
    void *user_data;
    /* The queue's list; its thread's. */
    struct vd_subscriber *next_of_queue;
    /* The disk's list; NULL: the watch has ended. */
    struct vd_subscribers *subscribers;
    struct vd_subscriber *previous;
    struct vd_subscriber *next;
    /* VDISK_EVENT_... that are not yet told, and whether this is the end. Not zero: the entry is on its way. */
    _Atomic uint64_t pending;
    /* Why it ended: a negative errno. */
    int result;
};

/* A disk's. Zero: nobody watches. */
struct vd_subscribers {
    struct vd_subscriber *first;
    /* There will be no others. */
    bool ended;
};

/* For the disk. Any thread; never block for longer than it takes to post to those who watch. */

/* Whether somebody watches: what nobody wants to know need not be found out. */
bool vd_subscribers_any(const struct vd_subscribers *subscribers);

/* Tells everybody of these VDISK_EVENT_... */
void vd_subscribers_tell(struct vd_subscribers *subscribers, uint32_t events);

/* Ends every watch with this result, and lets no other begin. */
void vd_subscribers_end(struct vd_subscribers *subscribers, int result);

/* For the queue, whose thread these are called in. */

/* A watch that is in no list. NULL: out of memory. To be freed with free(), when it has ended. */
struct vd_subscriber *vd_subscriber_new(struct vd_mailbox *mailbox, void *user_data);

/* Has it hear of the disk whose watches these are. false: they have ended. */
bool vd_subscriber_begin(struct vd_subscriber *subscriber, struct vd_subscribers *subscribers);

/* Tells it alone of these VDISK_EVENT_..., unless it has ended. */
void vd_subscriber_tell(struct vd_subscriber *subscriber, uint32_t events);

/* Ends it with this result; false: it has ended already. The disk may be gone. Its entry tells of the end. */
bool vd_subscriber_end(struct vd_subscriber *subscriber, int result);

/* Of a watch whose entry was taken. Returns whether it goes on; else *result is why it ended. */
bool vd_subscriber_take(struct vd_subscriber *subscriber, uint32_t *events, int *result);

#endif
