/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control operation, or operation: a call that may block on the cluster and is not a request. The caller's arguments
 * are checked and copied once, into a struct vd_op. Then the caller's thread performs the operation; or the operation
 * is submitted to a queue, and a thread of the executor runs it. Both forms of a call share this code, so they behave
 * alike.
 *
 *   perform: new -> run -> deliver -> destroy, all on the caller's thread
 *   submit:  new -> waits in a lane -> run, on a thread of the executor -> posted to the queue's mailbox
 *            -> reaped by the queue's thread: deliver -> destroy
 */
#ifndef VD_OP_H
#define VD_OP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/queue.h>

#include "cluster/cluster.h"
#include "disk/disk.h"
#include "io/op_entry.h"
#include "thread/executor.h"

struct vd_op;

struct vd_op_kind {
    /*
     * Does the work, with signals blocked. Uses the operation's copies of the arguments and stores in the operation
     * what it finds. If the operation is about an open disk, op->view is entered meanwhile. Returns 0, or a negative
     * errno with a message in `err`.
     */
    int (*run)(struct vd_op *op, struct vdisk_error *err);
    /*
     * Gives what was found to the caller: to the out-parameters, or to the completion, whose other fields are set
     * already. Runs on the thread that made the call or reaps the completion, after a failure too, when there is
     * nothing to give. NULL: there never is anything.
     */
    void (*deliver)(struct vd_op *op, struct vdisk_completion *completion);
    /*
     * Frees what the operation owns and has not delivered. vd_op_free calls it, then frees the operation. NULL: there
     * is nothing to free.
     */
    void (*destroy)(struct vd_op *op);
    /* The call takes VDISK_AIO_PROGRESS, and run reports by vd_op_progress. */
    bool has_progress;
    /*
     * The operation can be cancelled while it runs. Its thread goes on to the end of the run, then frees the result.
     * Not together with has_progress.
     */
    bool can_be_abandoned;
    /*
     * Not NULL: the operation expires when its timeout has passed, even while it runs, and its completion has this
     * message. Not together with has_progress.
     */
    const char *timeout_message;
    /*
     * run deals with views itself: no view is entered for it, and it runs on a disk that is fenced or reopening, too.
     */
    bool without_view;
};

enum vd_op_state {
    /* The run has not ended, and may not have begun. */
    VD_OP_RUNNING,
    /* The run has ended, and the queue gets the result. */
    VD_OP_DONE,
    /* The operation was cancelled while it ran, or has expired: its thread still runs it, and frees it after that. */
    VD_OP_ABANDONED,
};

/* The first member of a structure that has the arguments of the operation and what it finds. */
struct vd_op {
    const struct vd_op_kind *kind;
    /* The open disk that the operation is about. NULL: it is about `cluster`, of which it then owns a reference. */
    struct vdisk *disk;
    struct vd_view *view;
    struct vd_cluster *cluster;

    /* These are for an operation that is submitted to a queue. */
    struct vd_op_entry *op_entry;
    struct vd_job job;
    /*
     * The operation owns a reference: cancelling needs the executor when the disk, and with it the lane, may no longer
     * exist.
     */
    struct vd_executor *executor;
    /* After how many milliseconds the operation expires; -1: never. */
    int timeout_ms;
    /* A lane that outlives run. NULL: vd_op_submit takes the lane of the disk or, without a disk, own_lane. */
    struct vd_lane *lane;
    struct vd_lane own_lane;
    /*
     * A value of enum vd_op_state. Two threads change it: the executor's when the run ends, the queue's when it
     * abandons the operation. The one that comes second frees the operation.
     */
    _Atomic int state;
};

/*
 * Makes an operation of `size` bytes about `disk` or, if that is NULL, about `cluster`. The structure starts with a
 * struct vd_op, and the rest of it is zero. Takes over the caller's reference to `cluster`, even on failure. Returns
 * NULL, with a message in `err`, when out of memory.
 */
void *vd_op_new(size_t size, const struct vd_op_kind *kind, struct vdisk *disk, struct vd_cluster *cluster,
                struct vdisk_error *err);

/* Frees an operation that was neither performed nor submitted. */
void vd_op_free(struct vd_op *op);

/*
 * Runs the operation on this thread, delivers what it found, and frees it. Blocks. Returns what run returns, or
 * -ESHUTDOWN if the disk refuses.
 */
int vd_op_perform(struct vd_op *op, struct vdisk_error *err);

/*
 * Submits the operation to the queue, or refuses and frees it. On the queue's thread; never blocks. Returns 0 or, with
 * a message in `err`:
 *
 * -EINVAL     the queue is NULL or a flag is not known
 * -EAGAIN     the queue is full, or no thread can be started
 * -ESHUTDOWN  the disk refuses: it is fenced, reopening or closing
 * -ENOMEM     out of memory
 */
int vd_op_submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * A progress callback for librbd, to be passed in run with the struct vd_op as `op`. Any thread; never blocks. Always
 * returns 0, so that librbd goes on.
 */
int vd_op_progress(uint64_t done, uint64_t total, void *op);

#endif
