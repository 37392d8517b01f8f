/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine behind queues and synchronous calls: a fixed number of requests, their bounce buffers, and the mailbox to
 * which other threads post what has completed. One thread at a time uses a queue; it is called the queue's thread.
 */
#ifndef VD_QUEUE_H
#define VD_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/queue.h>

#include "base/bounce.h"
#include "disk/subscriber.h"
#include "io/expiry.h"
#include "io/op_entry.h"
#include "io/request.h"
#include "thread/mailbox.h"

struct vdisk_queue {
    struct vd_mailbox mailbox;
    struct vd_bounce bounce;
    unsigned int depth;
    /* `depth` requests, of which the first `touched` have been used. */
    struct vd_request *requests;
    unsigned int touched;
    /* The requests among these that are idle. */
    struct vd_node *idle;
    /* Idle I/Os. */
    struct vd_node *idle_ios;
    /* How many calls of vdisk_queue_plug have no unplug yet. */
    unsigned int plugged;
    /* The I/Os in the plug, the latest first. */
    struct vd_node *plugged_ios;
    /* The length of the I/O that was sent last from the plug, if it was merged. Else 0. */
    uint64_t last_merged;
    /* The operations that are not reaped. */
    struct vd_op_entry *op_entries;
    /* The failed operations that the latest reap has returned, kept for vd_queue_error until the next reap. */
    struct vd_op_entry *failed;
    uint64_t last_serial;
    /* The watches whose last completion is not reaped. The counts below do not include them. */
    struct vd_subscriber *subscribers;
    /* How many requests and operations are accepted and not reaped. */
    unsigned int in_flight;
    /* How many of these are not done. */
    unsigned int unfinished;
    /* How many of the unfinished ones complete together with another request's entry (plug.h). */
    unsigned int joined;
    struct vd_expiry expiry;
    /* Entries taken from the mailbox and not yet reaped, oldest first. */
    struct vd_node *ready;
    struct vd_node **ready_end;
    /* In a disk's list of idle queues (sync.c). */
    struct vdisk_queue *next;
};

/* Makes a queue with a doorbell of this kind. Returns 0, -ENOMEM, -EMFILE or -ENFILE. */
int vd_queue_new(struct vdisk_queue **queue, unsigned int depth, uint64_t bounce_bytes, enum vd_doorbell_kind kind);

/* Frees a queue in which nothing is in flight, and no watch. */
void vd_queue_free(struct vdisk_queue *queue);

/* Adds the op_entry of an operation that is being submitted. For ops/op.c. */
void vd_queue_add_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);

/* Removes it again when the operation could not be submitted. The caller frees it. */
void vd_queue_remove_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);

/* Removes a finished op_entry that is being reaped. Frees it, or if it failed keeps it until vd_queue_forget_failed. */
void vd_queue_reaped_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);

/* Frees the failed operations of the latest reap. */
void vd_queue_free_failed(struct vdisk_queue *queue);
static inline void vd_queue_forget_failed(struct vdisk_queue *queue)
{
    if (queue->failed)
        vd_queue_free_failed(queue);
}

/* Adds a watch that has begun. The queue owns it from here on, and frees it after its end. */
void vd_queue_add_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber);

/* Removes a watch that has ended, and frees it. */
void vd_queue_remove_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber);

/* Ends the watches with this tag. The last completion of each says -ECANCELED. Returns how many were ended. */
unsigned int vd_queue_end_subscribers(struct vdisk_queue *queue, const void *user_data);

#endif
