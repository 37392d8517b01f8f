/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control operation: anything that may block on the cluster and is not a request. Its caller's arguments are checked
 * and copied once, into a operation; then it is performed in the caller's thread, or submitted to a queue and performed
 * by a thread of the library's. So the two forms of a call cannot differ.
 *
 *   new -> (run -> deliver -> clear), all here, or
 *   new -> in a lane -> run, on the lane's thread -> posted to the queue's mailbox -> reaped: deliver -> clear
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
     * Does it: works on the operation's copies and leaves there what it finds. Signals are blocked. Of an open disk,
     * operation->view is entered for the time. Returns 0 or a negative errno with its sentence.
     */
    int (*run)(struct vd_op *op, struct vdisk_error *err);
    /*
     * On the caller's thread: hands over what was found, to the caller's out-parameters or the completion, which is
     * otherwise complete. Called after a failure too, when there is nothing to hand over. NULL: never anything.
     */
    void (*deliver)(struct vd_op *op, struct vdisk_completion *completion);
    /* Frees what the operation holds and did not hand over. The operation itself is freed after that. NULL: nothing. */
    void (*destroy)(struct vd_op *op);
    /* Takes VDISK_AIO_PROGRESS: run reports by vd_op_progress. */
    bool has_progress;
    /* Can be cancelled while it runs: it ends as if nobody had asked for it. Not together with progress. */
    bool can_be_abandoned;
    /* The same, but only when it takes longer than its timeout; what its completion says then. */
    const char *timeout_message;
    /* Not to be given a view of its disk, because it deals with views itself. */
    bool without_view;
};

enum vd_op_state {
    VD_OP_RUNNING,
    VD_OP_DONE,
    VD_OP_ABANDONED,
};

/* The first member of a structure with the operation's arguments and findings. */
struct vd_op {
    const struct vd_op_kind *kind;
    /* What it is about: an open disk, or else a cluster, of which the operation has a reference. */
    struct vdisk *disk;
    struct vd_view *view;
    struct vd_cluster *cluster;

    /* Of a submitted one. */
    struct vd_op_entry *op_entry;
    struct vd_job job;
    /* Has a reference of it: the lane of a disk can be gone when the operation is to be cancelled. */
    struct vd_executor *executor;
    /* How long its caller will wait, -1 for ever. */
    int timeout_ms;
    /* NULL: the disk's, or for a operation without a disk its own. It must outlive run. */
    struct vd_lane *lane;
    struct vd_lane own_lane;
    /* Who comes second, the thread that is done or the queue that gives it up, frees the operation. */
    _Atomic int state;
};

/*
 * A operation of `size` bytes, all zero but for the operation at its start, about `disk` or, where that is NULL,
 * `cluster`, of which it takes over the caller's reference, also on failure. NULL: out of memory, and `err` says so.
 */
void *vd_op_new(size_t size, const struct vd_op_kind *kind, struct vdisk *disk, struct vd_cluster *cluster,
                struct vdisk_error *err);

/* Frees a operation that is neither performed nor submitted. */
void vd_op_free(struct vd_op *op);

/* Runs, delivers and frees it. Returns what run does, or -ESHUTDOWN for a disk that is closing. */
int vd_op_perform(struct vd_op *op, struct vdisk_error *err);

/*
 * Accepts it for the queue; or refuses, and frees it:
 *
 * -EINVAL     the queue is NULL or a flag is not known
 * -EAGAIN     the queue is full, or no thread can be started
 * -ESHUTDOWN  the disk is closing
 * -ENOMEM     out of memory
 */
int vd_op_submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data, struct vdisk_error *err);

/* For librbd, to be called in run; `operation` is the struct vd_op. Always returns 0. */
int vd_op_progress(uint64_t done, uint64_t total, void *op);

#endif
