/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A lock-free list that any thread posts to and one thread, the owner, takes from, with a doorbell that is rung when
 * the list turns from empty to not empty: once for any number of posts that the owner takes together.
 */
#ifndef VD_MAILBOX_H
#define VD_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "doorbell.h"

/* Embedded in what is posted. */
struct vd_node {
    struct vd_node *next;
};

struct vd_mailbox {
    _Atomic(struct vd_node *) newest;
    struct vd_doorbell bell;
};

/* Returns 0, -EMFILE or -ENFILE. */
int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind);

/* Owner, when no more will be posted: waits for posters that are still ringing, then frees. */
void vd_mailbox_destroy(struct vd_mailbox *mailbox);

/* Any thread; never blocks. From here on the node is the owner's. */
static inline void vd_mailbox_post(struct vd_mailbox *mailbox, struct vd_node *node)
{
    struct vd_node *newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    /*
     * Release: what the poster wrote into the node is there for the owner, who takes with acquire. Later posts are
     * read-modify-writes of the same variable, so taking the newest also orders with every older one.
     */
    do {
        node->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &newest, node, memory_order_release,
                                                    memory_order_relaxed));
    /*
     * From here on the owner may have taken the node, dealt with it and be about to destroy the mailbox. Who found the
     * list empty owes a ring, which keeps the mailbox alive until it is heard; nobody else touches it again.
     */
    if (!newest)
        vd_doorbell_ring(&mailbox->bell);
}

/* Owner: silences the bell and takes everything, oldest first. NULL: nothing is there. */
struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox);

/* Owner: sleeps until there may be something to take, or until `deadline` (clock.h): false. */
bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline);

/* Owner: makes its own bell ring, because something that was taken is not dealt with. */
void vd_mailbox_remind(struct vd_mailbox *mailbox);

#endif
