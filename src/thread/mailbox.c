/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/mailbox.h"

#include <assert.h>
#include <stddef.h>

#include "base/attributes.h"

#define TAGS (VD_MAILBOX_ASKS | VD_MAILBOX_URGED)

_Static_assert(_Alignof(struct vd_node) > TAGS, "the tag bits are zero in the address of a node");

/*
 * Counting. An owner that waits for several posts replaces VD_MAILBOX_EMPTY by VD_MAILBOX_COUNTS. From then on each
 * poster first adds its node to the list, and then subtracts one from `missing`: it counts itself. The first poster no
 * longer rings. Two other posters ring: the one that subtracts the last one, and the first one that is urgent.
 *
 * When a poster counts itself, its node is already in the list, and the owner may have taken it and be done with it. So
 * the owner never sets `missing`; it only adds and subtracts. When it ends the counting, it subtracts the number that
 * it had added, and adds the number of posts that it has found. What remains is the number of posters that have posted
 * and not yet counted themselves. The next counting waits for those posters as well, and so does vd_mailbox_destroy.
 *
 * The lowest bit of `missing` tells whether the owner counts. The other bits are the number. All changes of `missing`
 * are acquire and release: the thread whose change is the last one sees everything that the other posters did before
 * theirs. So when the owner hears the ring of the last poster, all others that counted themselves are done with the
 * mailbox.
 */
#define COUNTING INT64_C(1)
#define ONE INT64_C(2)

/* Counts a poster. Returns true if it was the last one that the owner waits for, so that it must ring. */
static bool count_one(struct vd_mailbox *mailbox)
{
    return atomic_fetch_sub_explicit(&mailbox->missing, ONE, memory_order_acq_rel) == (ONE | COUNTING);
}

/* Owner: starts to count. Returns false if a poster was quicker: it has found the mailbox empty, and rings. */
static bool start_counting(struct vd_mailbox *mailbox, unsigned int count)
{
    uintptr_t empty = VD_MAILBOX_EMPTY;

    assert(mailbox->awaited == 0);
    mailbox->awaited = count;
    atomic_fetch_add_explicit(&mailbox->missing, count * ONE + COUNTING, memory_order_acq_rel);
    /* Release: pairs with the acquire in push; a poster that finds VD_MAILBOX_COUNTS sees the addition to `missing`. */
    return atomic_compare_exchange_strong_explicit(&mailbox->newest, &empty, VD_MAILBOX_COUNTS, memory_order_release,
                                                   memory_order_relaxed);
}

/* Owner: ends the counting. Subtracts from `missing` what start_counting added, less the `count` posts it has found. */
static void take_back(struct vd_mailbox *mailbox, unsigned int count)
{
    int64_t change = ((int64_t)count - mailbox->awaited) * ONE - COUNTING;
    int64_t before = atomic_fetch_add_explicit(&mailbox->missing, change, memory_order_acq_rel);

    assert(before & COUNTING && before + change >= 0);
    mailbox->awaited = 0;
    /* The number has reached zero. The poster that made it zero has rung or is about to ring. */
    if (before < ONE)
        vd_doorbell_owe(&mailbox->doorbell);
}

int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind)
{
    atomic_init(&mailbox->newest, VD_MAILBOX_EMPTY);
    atomic_init(&mailbox->missing, 0);
    mailbox->awaited = 0;
    return vd_doorbell_init(&mailbox->doorbell, kind);
}

void vd_mailbox_destroy(struct vd_mailbox *mailbox)
{
    assert(atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == VD_MAILBOX_EMPTY);
    /* If posters have yet to count themselves, COUNTING makes the last of them ring, and the owner waits for that. */
    if (atomic_fetch_or_explicit(&mailbox->missing, COUNTING, memory_order_acq_rel) >= ONE)
        vd_doorbell_owe(&mailbox->doorbell);
    vd_doorbell_destroy(&mailbox->doorbell);
}

/*
 * Adds the node to the list. While the owner counts, the tags stay set, and `urged` is added to them. Returns the
 * former value of `newest`.
 */
static uintptr_t push(struct vd_mailbox *mailbox, struct vd_node *node, uintptr_t urged)
{
    uintptr_t before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed), after;

    /*
     * Release: pairs with the acquire in vd_mailbox_take, as in vd_mailbox_post. Acquire: pairs with the release in
     * start_counting; sees the number in `missing`.
     */
    do {
        node->next = (struct vd_node *)(before & ~TAGS);
        after = (uintptr_t)node;
        if (before & VD_MAILBOX_ASKS && before != VD_MAILBOX_EMPTY)
            after |= (before & TAGS) | urged;
    } while (!atomic_compare_exchange_weak_explicit(&mailbox->newest, &before, after, memory_order_acq_rel,
                                                    memory_order_relaxed));
    return before;
}

/*
 * As soon as the node is in the list, the owner may take it, deal with it and start to destroy the mailbox. But
 * vd_mailbox_destroy waits for each poster that owes a ring or has yet to count itself. Every other poster must not
 * touch the mailbox any more, and returns at once.
 */
VD_NOINLINE static void post(struct vd_mailbox *mailbox, struct vd_node *node, uintptr_t urged)
{
    uintptr_t before = push(mailbox, node, urged);

    if (!(before & VD_MAILBOX_ASKS))
        return;
    if (before == VD_MAILBOX_EMPTY) {
        vd_doorbell_ring(&mailbox->doorbell);
        return;
    }
    if (urged & ~before)
        vd_doorbell_ring(&mailbox->doorbell);
    if (count_one(mailbox))
        vd_doorbell_ring(&mailbox->doorbell);
}

void vd_mailbox_post_asked(struct vd_mailbox *mailbox, struct vd_node *node)
{
    uintptr_t empty = VD_MAILBOX_EMPTY;

    /* Usually the mailbox is empty. Release: pairs with the acquire in vd_mailbox_take, as in vd_mailbox_post. */
    node->next = NULL;
    if (atomic_compare_exchange_strong_explicit(&mailbox->newest, &empty, (uintptr_t)node, memory_order_release,
                                                memory_order_relaxed))
        vd_doorbell_ring(&mailbox->doorbell);
    else
        post(mailbox, node, 0);
}

void vd_mailbox_post_urgent(struct vd_mailbox *mailbox, struct vd_node *node)
{
    post(mailbox, node, VD_MAILBOX_URGED);
}

struct vd_node *vd_nodes_reversed(struct vd_node *list)
{
    struct vd_node *result = NULL;

    while (list) {
        struct vd_node *next = list->next;

        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

/* Owner: ends the counting. Returns what was posted meanwhile, oldest first. */
VD_NOINLINE static struct vd_node *end_counting(struct vd_mailbox *mailbox, uintptr_t newest)
{
    struct vd_node *nodes = vd_nodes_reversed((struct vd_node *)(newest & ~TAGS));
    unsigned int count = 0;

    for (const struct vd_node *node = nodes; node; node = node->next)
        count++;
    take_back(mailbox, count);
    /* The first urgent poster has rung or is about to ring. */
    if (newest & VD_MAILBOX_URGED)
        vd_doorbell_owe(&mailbox->doorbell);
    return nodes;
}

struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox)
{
    uintptr_t newest;

    /*
     * First silence the doorbell, then take the list. In the opposite order, the ring for a post between the two steps
     * would be silenced, and the post would stay in the list: a lost wake-up. In this order, the worst case is a ring
     * for a post that was already taken.
     */
    vd_doorbell_hear(&mailbox->doorbell);
    if (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == VD_MAILBOX_EMPTY)
        return NULL;

    /* Acquire: pairs with the release in vd_mailbox_post and push; sees what the posters wrote into their nodes. */
    newest = atomic_exchange_explicit(&mailbox->newest, VD_MAILBOX_EMPTY, memory_order_acquire);
    if (newest & VD_MAILBOX_ASKS)
        return end_counting(mailbox, newest);
    /* The poster of the oldest node found the mailbox empty, so it has rung or is about to ring. */
    vd_doorbell_owe(&mailbox->doorbell);
    return vd_nodes_reversed((struct vd_node *)newest);
}

bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline)
{
    return vd_doorbell_wait(&mailbox->doorbell, deadline);
}

bool vd_mailbox_wait_for(struct vd_mailbox *mailbox, unsigned int count, int64_t deadline)
{
    if (count > 1 && !start_counting(mailbox, count))
        take_back(mailbox, 0);
    return vd_doorbell_wait(&mailbox->doorbell, deadline);
}

void vd_mailbox_remind(struct vd_mailbox *mailbox)
{
    vd_doorbell_owe(&mailbox->doorbell);
    vd_doorbell_ring(&mailbox->doorbell);
}
