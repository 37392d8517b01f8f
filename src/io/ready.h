/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue has done and not yet reaped, oldest first.
 */
#ifndef VD_READY_H
#define VD_READY_H

#include "base/container.h"
#include "io/queue.h"

static inline void vd_ready_add(struct vdisk_queue *queue, struct vd_entry *entry)
{
    entry->node.next = NULL;
    *queue->ready_end = &entry->node;
    queue->ready_end = &entry->node.next;
}

/* The same for a request or a operation, which is finished by that. */
static inline void vd_ready_add_done(struct vdisk_queue *queue, struct vd_entry *entry)
{
    queue->unfinished--;
    vd_ready_add(queue, entry);
}

/* There is one. */
static inline struct vd_entry *vd_ready_pop(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->ready;

    queue->ready = node->next;
    if (!queue->ready)
        queue->ready_end = &queue->ready;
    return VD_CONTAINER_OF(node, struct vd_entry, node);
}

#endif
