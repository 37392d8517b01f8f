/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/mailbox.h"

#include <assert.h>
#include <stddef.h>

#include "base/attributes.h"

#define TAGS (VD_MAILBOX_ASKS | VD_MAILBOX_URGED)

_Static_assert(_Alignof(struct vd_node) > TAGS, "the tags are no part of an address");

/*
 * Counting. An owner that waits for several posts puts VD_MAILBOX_COUNTS in place of VD_MAILBOX_EMPTY. From then on
 * each poster, when it has posted, takes one from `missing`, and instead of the first one to post, two ring: the one
 * that takes the last, and the first that is urgent.
 *
 * A poster is counted when its node is already there for the owner to take and deal with. So `missing` is never set,
 * only changed: when the owner ends the counting, it takes back what it has asked for, less the posts that it has
 * found. What is left then are posters yet to be counted, for whom the next counting waits as well, and destroying the
 * mailbox.
 *
 * The lowest bit of `missing` tells whether the owner counts; the rest is the number. All changes of it are acquire and
 * release: whoever finds out that he has made the last one has all other posters behind him.
 */
#define COUNTING INT64_C(1)
#define ONE INT64_C(2)

static bool count_one(struct vd_mailbox *mailbox)
{
    return atomic_fetch_sub_explicit(&mailbox->missing, ONE, memory_order_acq_rel) == (ONE | COUNTING);
}

/* false: somebody was quicker to post, and rings. */
static bool start_counting(struct vd_mailbox *mailbox, unsigned int count)
{
    uintptr_t empty = VD_MAILBOX_EMPTY;

    assert(mailbox->awaited == 0);
    mailbox->awaited = count;
    atomic_fetch_add_explicit(&mailbox->missing, count * ONE + COUNTING, memory_order_acq_rel);
    /* Release: whoever finds that he is to be counted finds what to count down. */
    return atomic_compare_exchange_strong_explicit(&mailbox->newest, &empty, VD_MAILBOX_COUNTS, memory_order_release,
                                                   memory_order_relaxed);
}

/* Of what was asked for, less the `count` posts that were found. */
static void take_back(struct vd_mailbox *mailbox, unsigned int count)
{
    int64_t change = ((int64_t)count - mailbox->awaited) * ONE - COUNTING;
    int64_t before = atomic_fetch_add_explicit(&mailbox->missing, change, memory_order_acq_rel);

    assert(before & COUNTING && before + change >= 0);
    mailbox->awaited = 0;
    /* The last one that was missing has rung or is about to. */
    if (before < ONE)
        vd_doorbell_owe(&mailbox->bell);
}

int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind)
{
    atomic_init(&mailbox->newest, VD_MAILBOX_EMPTY);
    atomic_init(&mailbox->missing, 0);
    mailbox->awaited = 0;
    return vd_doorbell_init(&mailbox->bell, kind);
}

void vd_mailbox_destroy(struct vd_mailbox *mailbox)
{
    assert(atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == VD_MAILBOX_EMPTY);
    /* Of those who are yet to be counted, the last one is to ring. */
    if (atomic_fetch_or_explicit(&mailbox->missing, COUNTING, memory_order_acq_rel) >= ONE)
        vd_doorbell_owe(&mailbox->bell);
    vd_doorbell_destroy(&mailbox->bell);
}

/* Returns what was newest before. */
static uintptr_t push(struct vd_mailbox *mailbox, struct vd_node *node, uintptr_t urged)
{
    uintptr_t before = atomic_load_explicit(&mailbox->newest, memory_order_relaxed), after;

    /* Release: see vd_mailbox_post. Acquire: see start_counting. */
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
 * Once it has posted, the owner may have taken the node, dealt with it and be about to destroy the mailbox. That waits
 * for whoever owes a ring, or is yet to be counted; nobody else touches it any more.
 */
VD_NOINLINE static void post(struct vd_mailbox *mailbox, struct vd_node *node, uintptr_t urged)
{
    uintptr_t before = push(mailbox, node, urged);

    if (!(before & VD_MAILBOX_ASKS))
        return;
    if (before == VD_MAILBOX_EMPTY) {
        vd_doorbell_ring(&mailbox->bell);
        return;
    }
    if (urged & ~before)
        vd_doorbell_ring(&mailbox->bell);
    if (count_one(mailbox))
        vd_doorbell_ring(&mailbox->bell);
}

void vd_mailbox_post_asked(struct vd_mailbox *mailbox, struct vd_node *node)
{
    uintptr_t empty = VD_MAILBOX_EMPTY;

    /* Mostly it is the first. Release: see vd_mailbox_post. */
    node->next = NULL;
    if (atomic_compare_exchange_strong_explicit(&mailbox->newest, &empty, (uintptr_t)node, memory_order_release,
                                                memory_order_relaxed))
        vd_doorbell_ring(&mailbox->bell);
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

/* Returns what was posted while it counted. */
VD_NOINLINE static struct vd_node *end_counting(struct vd_mailbox *mailbox, uintptr_t newest)
{
    struct vd_node *nodes = vd_nodes_reversed((struct vd_node *)(newest & ~TAGS));
    unsigned int count = 0;

    for (const struct vd_node *node = nodes; node; node = node->next)
        count++;
    take_back(mailbox, count);
    /* The first that was urgent has rung or is about to. */
    if (newest & VD_MAILBOX_URGED)
        vd_doorbell_owe(&mailbox->bell);
    return nodes;
}

struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox)
{
    uintptr_t newest;

    /*
     * Silence first, then take. The other way round, a post between the two would be silenced and stay untaken: a lost
     * wake-up. This way the worst is a ring for something already taken.
     */
    vd_doorbell_hear(&mailbox->bell);
    if (atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == VD_MAILBOX_EMPTY)
        return NULL;

    /* Acquire: see vd_mailbox_post. */
    newest = atomic_exchange_explicit(&mailbox->newest, VD_MAILBOX_EMPTY, memory_order_acquire);
    if (newest & VD_MAILBOX_ASKS)
        return end_counting(mailbox, newest);
    /* It was empty before its oldest node: that node's poster has rung or is about to. */
    vd_doorbell_owe(&mailbox->bell);
    return vd_nodes_reversed((struct vd_node *)newest);
}

bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline)
{
    return vd_doorbell_wait(&mailbox->bell, deadline);
}

bool vd_mailbox_wait_for(struct vd_mailbox *mailbox, unsigned int count, int64_t deadline)
{
    if (count > 1 && !start_counting(mailbox, count))
        take_back(mailbox, 0);
    return vd_doorbell_wait(&mailbox->bell, deadline);
}

void vd_mailbox_remind(struct vd_mailbox *mailbox)
{
    vd_doorbell_owe(&mailbox->bell);
    vd_doorbell_ring(&mailbox->bell);
}
