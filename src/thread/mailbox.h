/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lock-free list that any thread posts to and one thread, the owner, takes from, with a doorbell that is rung when
 * the list turns from empty to not empty: once for any number of posts that the owner takes together. An owner that
 * waits for several has it rung when they are there.
 */
#ifndef VD_MAILBOX_H
#define VD_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/doorbell.h"

/* Embedded in what is posted. */
struct vd_node {
    struct vd_node *next;
};

/* Reverses a list in place and returns its new first node. */
struct vd_node *vd_nodes_reversed(struct vd_node *list);

/*
 * What a mailbox holds: the address of the node that was posted last, or one of the last two of these. The lowest bit
 * asks a poster for more than to post: to ring, since it is the first; or to be counted (vd_mailbox_wait_for), where
 * the bit stays set for those who post on top. The second bit then tells that somebody urgent is among them.
 */
#define VD_MAILBOX_ASKS ((uintptr_t)1)
#define VD_MAILBOX_URGED ((uintptr_t)2)
#define VD_MAILBOX_COUNTS VD_MAILBOX_ASKS
#define VD_MAILBOX_EMPTY (VD_MAILBOX_ASKS | VD_MAILBOX_URGED)

struct vd_mailbox {
    _Atomic uintptr_t newest;
    struct vd_doorbell bell;
    /* See mailbox.c. */
    _Atomic int64_t missing;
    /* The owner's: how many posts it waits for; 0: it does not count them. */
    unsigned int awaited;
};

/* Returns 0, -EMFILE or -ENFILE. */
int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind);

/* Owner, when no more will be posted: waits for posters that are still ringing or being counted, then frees. */
void vd_mailbox_destroy(struct vd_mailbox *mailbox);

/* For vd_mailbox_post: a post that is asked for more. */
void vd_mailbox_post_asked(struct vd_mailbox *mailbox, struct vd_node *node);

/* Any thread; never blocks. From here on the node is the owner's. */
static inline void vd_mailbox_post(struct vd_mailbox *mailbox, struct vd_node *node)
{
    uintptr_t newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    /*
     * Release: what the poster wrote into the node is there for the owner, who takes with acquire. Later posts are
     * read-modify-writes of the same variable, so taking the newest also orders with every older one.
     */
    do {
        if (newest & VD_MAILBOX_ASKS) {
            vd_mailbox_post_asked(mailbox, node);
            return;
        }
        node->next = (struct vd_node *)newest;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &newest, (uintptr_t)node, memory_order_release,
                                                    memory_order_relaxed));
    /* From here on the owner may have taken the node, dealt with it and destroyed the mailbox. */
}

/* The same for what is to wake the owner in any case. */
void vd_mailbox_post_urgent(struct vd_mailbox *mailbox, struct vd_node *node);

/* Owner: silences the bell and takes everything, oldest first. NULL: nothing is there. */
struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox);

/* Owner: sleeps until there may be something to take, or until `deadline` (clock.h): false. */
bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline);

/*
 * The same, with nothing there, until so many may have been posted, or one that is urgent. What has been posted by the
 * end is to be taken before anything else is done with the mailbox.
 */
bool vd_mailbox_wait_for(struct vd_mailbox *mailbox, unsigned int count, int64_t deadline);

/* Owner: makes its own bell ring, because something that was taken is not dealt with. */
void vd_mailbox_remind(struct vd_mailbox *mailbox);

#endif
