/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Somebody who wants to hear, through a queue, what happens to a disk. A watch is in two lists: its queue's, for as
 * long as it lives, and its disk's, until it ends. What happens before it is reaped adds up to one letter.
 */
#ifndef VD_WATCH_H
#define VD_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/letter.h"

struct vd_watch {
    struct vd_letter letter;
    struct vd_mailbox *mailbox;
    void *user_data;
    /* The queue's list; its thread's. */
    struct vd_watch *next_of_queue;
    /* The disk's list; NULL: the watch has ended. */
    struct vd_watches *watches;
    struct vd_watch *previous;
    struct vd_watch *next;
    /* VDISK_EVENT_... that are not yet told, and whether this is the end. Not zero: the letter is on its way. */
    _Atomic uint64_t pending;
    /* Why it ended: a negative errno. */
    int result;
};

/* A disk's. Zero: nobody watches. */
struct vd_watches {
    struct vd_watch *first;
    /* There will be no others. */
    bool ended;
};

/* For the disk. Any thread; never block for longer than it takes to post to those who watch. */

/* Whether somebody watches: what nobody wants to know need not be found out. */
bool vd_watches_any(const struct vd_watches *watches);

/* Tells everybody of these VDISK_EVENT_... */
void vd_watches_tell(struct vd_watches *watches, uint32_t events);

/* Ends every watch with this result, and lets no other begin. */
void vd_watches_end(struct vd_watches *watches, int result);

/* For the queue, whose thread these are called in. */

/* A watch that is in no list. NULL: out of memory. To be freed with free(), when it has ended. */
struct vd_watch *vd_watch_new(struct vd_mailbox *mailbox, void *user_data);

/* Has it hear of the disk whose watches these are. false: they have ended. */
bool vd_watch_begin(struct vd_watch *watch, struct vd_watches *watches);

/* Tells it alone of these VDISK_EVENT_..., unless it has ended. */
void vd_watch_tell(struct vd_watch *watch, uint32_t events);

/* Ends it with this result; false: it has ended already. The disk may be gone. Its letter tells of the end. */
bool vd_watch_end(struct vd_watch *watch, int result);

/* Of a watch whose letter was taken. Returns whether it goes on; else *result is why it ended. */
bool vd_watch_take(struct vd_watch *watch, uint32_t *events, int *result);

#endif
