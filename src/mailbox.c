/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mailbox.h"

#include <assert.h>
#include <stddef.h>

int vd_mailbox_init(struct vd_mailbox *mailbox, enum vd_doorbell_kind kind)
{
    atomic_init(&mailbox->newest, NULL);
    return vd_doorbell_init(&mailbox->bell, kind);
}

void vd_mailbox_destroy(struct vd_mailbox *mailbox)
{
    assert(!atomic_load_explicit(&mailbox->newest, memory_order_relaxed));
    vd_doorbell_destroy(&mailbox->bell);
}

static struct vd_node *reversed(struct vd_node *list)
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

struct vd_node *vd_mailbox_take(struct vd_mailbox *mailbox)
{
    /*
     * Silence first, then take. The other way round, a post between the two would be silenced and stay untaken: a lost
     * wake-up. This way the worst is a ring for something already taken.
     */
    vd_doorbell_hear(&mailbox->bell);
    if (!atomic_load_explicit(&mailbox->newest, memory_order_relaxed))
        return NULL;

    /* Acquire: see vd_mailbox_post. */
    struct vd_node *list = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);

    /* The list was empty before its oldest node: that node's poster has rung or is about to. */
    vd_doorbell_owe(&mailbox->bell);
    return reversed(list);
}

bool vd_mailbox_wait(struct vd_mailbox *mailbox, int64_t deadline)
{
    return vd_doorbell_wait(&mailbox->bell, deadline);
}

void vd_mailbox_remind(struct vd_mailbox *mailbox)
{
    vd_doorbell_owe(&mailbox->bell);
    vd_doorbell_ring(&mailbox->bell);
}
