/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mailbox: a lock-free list to which any thread posts, and from which one thread, the owner, takes. The poster that
 * finds the list empty rings a doorbell, so it rings once for any number of posts that the owner takes together. An
 * owner that waits for several posts can have it ring only when all of them are there.
 */
#ifndef VD_MAILBOX_H
#define VD_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/doorbell.h"

/* Embedded in the structure that is posted. */
struct vd_node {
    struct vd_node *next;
};

/* Reverses a list in place and returns its new first node. */
struct vd_node *vd_nodes_reversed(struct vd_node *list);

/*
 * The values of vd_mailbox.newest. Usually it is the address of the node that was posted last. The two lowest bits of
 * such an address are free for tags:
 *
 * - VD_MAILBOX_EMPTY, both bits without an address: the list is empty. The next poster must ring.
 * - VD_MAILBOX_COUNTS, the lowest bit: the owner waits for several posts (vd_mailbox_wait_for), and each poster must
 *   count itself. The bit stays set when nodes are added.
 * - VD_MAILBOX_URGED in addition to VD_MAILBOX_COUNTS and an address: an urgent node is in the list.
 *
 * So the lowest bit, VD_MAILBOX_ASKS, tells a poster that it must do more than post.
 */
#define VD_MAILBOX_ASKS ((uintptr_t)1)
#define VD_MAILBOX_URGED ((uintptr_t)2)
#define VD_MAILBOX_COUNTS VD_MAILBOX_ASKS
#define VD_MAILBOX_EMPTY (VD_MAILBOX_ASKS | VD_MAILBOX_URGED)

struct vd_mailbox {
    _Atomic uintptr_t newest;
    struct vd_doorbell doorbell;
    /* How many posters have yet to count themselves, and whether the owner counts: see mailbox.c. */
    _Atomic int64_t missing;
    /* Only the owner uses it: how many posts it waits for. 0: it does not count. */
    unsigned int awaited;
};

/* Initializes an empty mailbox. Returns 0, -EMFILE or -ENFILE. */
int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind);

/*
 * Owner: destroys an empty mailbox to which nobody will post. Waits for posters that have yet to ring or to count
 * themselves.
 */
void vd_mailbox_destroy(struct vd_mailbox *mailbox);

/* The slow path of vd_mailbox_post, for a poster that must also ring or count itself. */
void vd_mailbox_post_asked(struct vd_mailbox *mailbox, struct vd_node *node);

/* Posts a node, which belongs to the owner from then on. Any thread may call it. Never blocks. */
static inline void vd_mailbox_post(struct vd_mailbox *mailbox, struct vd_node *node)
{
    uintptr_t newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

    /*
     * Release: pairs with the acquire in vd_mailbox_take, so that the owner sees what the poster wrote into the node.
     * Later posts are read-modify-writes of the same variable. So when the owner takes the newest node, it also
     * synchronizes with the posters of all older ones.
     */
    do {
        if (newest & VD_MAILBOX_ASKS) {
            vd_mailbox_post_asked(mailbox, node);
            return;
        }
        node->next = (struct vd_node *)newest;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &newest, (uintptr_t)node, memory_order_release,
                                                    memory_order_relaxed));
    /* By now the owner may have taken the node, dealt with it and destroyed the mailbox. */
}

/* Posts a node that wakes the owner even if it waits for several posts. Any thread may call it. Never blocks. */
void vd_mailbox_post_urgent(struct vd_mailbox *mailbox, struct vd_node *node);

/* Owner: silences the doorbell and takes all nodes, oldest first. Returns NULL if there are none. Never blocks. */
struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox);

/* Owner: sleeps until there may be a node to take. Returns true, or false when `deadline` (clock.h) has come. */
bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline);

/*
 * Owner: sleeps as vd_mailbox_wait does, but until `count` nodes or an urgent one may have been posted. If nodes are in
 * the mailbox already, it does not wait for more. The owner's next call on the mailbox must be vd_mailbox_take.
 */
bool vd_mailbox_wait_for(struct vd_mailbox *mailbox, unsigned int count, int64_t deadline);

/* Owner: rings its own doorbell, because it has taken nodes that it has not dealt with. */
void vd_mailbox_remind(struct vd_mailbox *mailbox);

#endif
