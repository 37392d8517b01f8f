/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine behind queues and synchronous calls: a fixed set of requests, their bounce memory, and the mailbox that
 * completed ones come back to. It belongs to one thread at a time.
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
    /* `depth` requests, of which the first `touched` were ever used; the idle ones among those. */
    struct vd_request *requests;
    unsigned int touched;
    struct vd_node *idle;
    /* Flights for use. */
    struct vd_node *idle_ios;
    /* How often it was plugged; I/Os that wait, the latest first; and the length of the last one sent, if merged. */
    unsigned int plugged;
    struct vd_node *plugged_ios;
    uint64_t last_merged;
    /* Tasks: those in I/O; and, until the next reap, those that were reaped last and have an error to tell. */
    struct vd_op_entry *op_entries;
    struct vd_op_entry *failed;
    uint64_t last_serial;
    /* Watches whose end is not reaped. They count nowhere below. */
    struct vd_subscriber *subscribers;
    /* Requests and operations that are accepted and not yet reaped, and those of them that are not even done. */
    unsigned int in_flight;
    unsigned int unfinished;
    /* Of the latter, how many come without a entry of their own, but with that of another (plug.h). */
    unsigned int joined;
    struct vd_expiry expiry;
    /* Entries taken from the mailbox and not yet reaped, oldest first. */
    struct vd_node *ready;
    struct vd_node **ready_end;
    /* Of a disk's idle queues (sync.c). */
    struct vdisk_queue *next;
};

/* Returns 0, -ENOMEM, -EMFILE or -ENFILE. */
int vd_queue_new(struct vdisk_queue **queue, unsigned int depth, uint64_t bounce_bytes, enum vd_doorbell_kind kind);

/* Nothing may be in I/O. */
void vd_queue_free(struct vdisk_queue *queue);

/* For operation.c: enters a submitted operation's op entry; and takes it out again when it could not be submitted. */
void vd_queue_add_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);
void vd_queue_remove_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);

/* A finished op entry is being reaped: the queue keeps one that failed until vd_queue_forget_failed, and frees others.
 */
void vd_queue_reaped_op(struct vdisk_queue *queue, struct vd_op_entry *op_entry);
void vd_queue_free_failed(struct vdisk_queue *queue);
static inline void vd_queue_forget_failed(struct vdisk_queue *queue)
{
    if (queue->failed)
        vd_queue_free_failed(queue);
}

/* A watch that has begun, with the queue's mailbox. From here on it is the queue's, which frees it after its end. */
void vd_queue_add_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber);

/* Takes a watch that has ended out of the queue, and frees it. */
void vd_queue_remove_subscriber(struct vdisk_queue *queue, struct vd_subscriber *subscriber);

/* Ends the watches with this tag, each with -ECANCELED in its last completion. Returns how many. */
unsigned int vd_queue_end_subscribers(struct vdisk_queue *queue, const void *user_data);

#endif
