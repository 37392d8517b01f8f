/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control operation: anything that may block on the cluster and is not a request. Its caller's arguments are checked
 * and copied once, into a task; then it is performed in the caller's thread, or submitted to a queue and performed by a
 * thread of the library's. So the two forms of a call cannot differ.
 *
 *   new -> (run -> deliver -> clear), all here, or
 *   new -> in a lane -> run, on the lane's thread -> posted to the queue's mailbox -> reaped: deliver -> clear
 */
#ifndef VD_TASK_H
#define VD_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/queue.h>

#include "cluster/cluster.h"
#include "disk/disk.h"
#include "io/ticket.h"
#include "thread/executor.h"

struct vd_task;

struct vd_task_kind {
    /*
     * Does it: works on the task's copies and leaves there what it finds. Signals are blocked. Of an open disk,
     * task->view is entered for the time. Returns 0 or a negative errno with its sentence.
     */
    int (*run)(struct vd_task *task, struct vdisk_error *err);
    /*
     * On the caller's thread: hands over what was found, to the caller's out-parameters or the completion, which is
     * otherwise complete. Called after a failure too, when there is nothing to hand over. NULL: never anything.
     */
    void (*deliver)(struct vd_task *task, struct vdisk_completion *completion);
    /* Frees what the task holds and did not hand over. The task itself is freed after that. NULL: nothing. */
    void (*clear)(struct vd_task *task);
    /* Takes VDISK_AIO_PROGRESS: run reports by vd_task_progress. */
    bool has_progress;
    /* Can be given up while it runs: it ends as if nobody had asked for it. Not together with progress. */
    bool can_be_abandoned;
    /* The same, but only when it takes longer than its timeout; what its completion says then. */
    const char *timeout_message;
    /* Not to be given a view of its disk, because it deals with views itself. */
    bool without_view;
};

enum vd_task_claim {
    VD_TASK_RUNNING,
    VD_TASK_DONE,
    VD_TASK_ABANDONED,
};

/* The first member of a structure with the operation's arguments and findings. */
struct vd_task {
    const struct vd_task_kind *kind;
    /* What it is about: an open disk, or else a cluster, of which the task has a reference. */
    struct vdisk *disk;
    struct vd_view *view;
    struct vd_cluster *cluster;

    /* Of a submitted one. */
    struct vd_ticket *ticket;
    struct vd_job job;
    /* Has a reference of it: the lane of a disk can be gone when the task is to be given up. */
    struct vd_executor *executor;
    /* How long its caller will wait, -1 for ever. */
    int timeout_ms;
    /* NULL: the disk's, or for a task without a disk its own. It must outlive run. */
    struct vd_lane *lane;
    struct vd_lane own_lane;
    /* Who comes second, the thread that is done or the queue that gives it up, frees the task. */
    _Atomic int claim;
};

/*
 * A task of `size` bytes, all zero but for the task at its start, about `disk` or, where that is NULL, `cluster`, of
 * which it takes over the caller's reference, also on failure. NULL: out of memory, and `err` says so.
 */
void *vd_task_new(size_t size, const struct vd_task_kind *kind, struct vdisk *disk, struct vd_cluster *cluster,
                  struct vdisk_error *err);

/* Frees a task that is neither performed nor submitted. */
void vd_task_free(struct vd_task *task);

/* Runs, delivers and frees it. Returns what run does, or -ESHUTDOWN for a disk that is closing. */
int vd_task_perform(struct vd_task *task, struct vdisk_error *err);

/*
 * Accepts it for the queue; or refuses, and frees it:
 *
 * -EINVAL     the queue is NULL or a flag is not known
 * -EAGAIN     the queue is full, or no thread can be started
 * -ESHUTDOWN  the disk is closing
 * -ENOMEM     out of memory
 */
int vd_task_submit(struct vdisk_queue *queue, struct vd_task *task, uint32_t flags, void *user_data,
                   struct vdisk_error *err);

/* For librbd, to be called in run; `task` is the struct vd_task. Always returns 0. */
int vd_task_progress(uint64_t done, uint64_t total, void *task);

#endif
