/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue's list of entries that are ready to be reaped, oldest first. Only the queue's thread uses it.
 */
#ifndef VD_READY_H
#define VD_READY_H

#include "base/container.h"
#include "io/queue.h"

/* Adds the entry of something that does not count as unfinished: progress or an event. */
static inline void vd_ready_add(struct vdisk_queue *queue, struct vd_entry *entry)
{
    entry->node.next = NULL;
    *queue->ready_end = &entry->node;
    queue->ready_end = &entry->node.next;
}

/* Adds the entry of a request or an operation that is done. */
static inline void vd_ready_add_done(struct vdisk_queue *queue, struct vd_entry *entry)
{
    queue->unfinished--;
    vd_ready_add(queue, entry);
}

/* Removes and returns the oldest entry. The list must not be empty. */
static inline struct vd_entry *vd_ready_pop(struct vdisk_queue *queue)
{
    struct vd_node *node = queue->ready;

    queue->ready = node->next;
    if (!queue->ready)
        queue->ready_end = &queue->ready;
    return VD_CONTAINER_OF(node, struct vd_entry, node);
}

#endif
