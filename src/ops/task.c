/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/task.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/error.h"
#include "base/process.h"
#include "io/expiry.h"
#include "io/queue.h"

void *vd_task_new(size_t size, const struct vd_task_kind *kind, struct vdisk *disk, struct vd_cluster *cluster,
                  struct vdisk_error *err)
{
    struct vd_task *task = calloc(1, size);

    assert(size >= sizeof *task && !disk == !!cluster);
    /* Progress is told by the ticket, which an abandoned task must not touch. */
    assert(!(kind->has_progress && (kind->can_be_abandoned || kind->timeout_message)));
    if (!task) {
        vd_cluster_put(cluster);
        vd_error_set(err, -ENOMEM, "Out of memory for the operation.");
        return NULL;
    }
    task->kind = kind;
    task->disk = disk;
    task->cluster = cluster;
    task->timeout_ms = -1;
    return task;
}

void vd_task_free(struct vd_task *task)
{
    if (task->kind->clear)
        task->kind->clear(task);
    vd_executor_put(task->executor);
    vd_cluster_put(task->cluster);
    free(task);
}

/* Running. */

/* Keeps the disk while the task lives. A barred one takes only what deals with views itself. */
static int hold_disk(const struct vd_task *task, struct vdisk_error *err)
{
    struct vdisk *disk = task->disk;
    int r;

    if (!disk)
        return 0;
    if (!vd_disk_get(disk))
        return vd_disk_refusal(disk, err);
    if (task->kind->without_view || !vd_disk_refuses_all(disk))
        return 0;
    r = vd_disk_refusal(disk, err);
    vd_disk_put(disk);
    return r;
}

/* With the disk held, which keeps its last view from being retired, or without a disk. */
static int run(struct vd_task *task, struct vdisk_error *err)
{
    int r;

    if (!task->disk || task->kind->without_view)
        return task->kind->run(task, err);
    task->view = vd_disk_enter_even_closing(task->disk);
    if (!task->view)
        return vd_disk_refusal(task->disk, err);
    r = task->kind->run(task, err);
    vd_disk_note_result(task->disk, r);
    vd_view_leave(task->view);
    return r;
}

int vd_task_perform(struct vd_task *task, struct vdisk_error *err)
{
    struct vdisk_completion completion = {0};
    struct vdisk *disk = task->disk;
    sigset_t signals;
    int r;

    r = hold_disk(task, err);
    if (r < 0) {
        vd_task_free(task);
        return r;
    }
    vd_signals_block(&signals);
    r = run(task, err);
    vd_signals_restore(&signals);
    if (task->kind->deliver)
        task->kind->deliver(task, &completion);
    vd_task_free(task);
    if (disk)
        vd_disk_put(disk);
    return r;
}

/* In a lane. */

static struct vd_task *task_of(struct vd_job *job)
{
    return VD_CONTAINER_OF(job, struct vd_task, job);
}

static void run_for_ticket(struct vd_task *task)
{
    struct vd_ticket *ticket = task->ticket;
    struct vdisk_error error = {0};
    int r = run(task, &error), running = VD_TASK_RUNNING;

    /*
     * Release: the queue's thread, which frees an abandoned ticket, sees the end of the run. Acquire: as in abandon. An
     * abandoned task stays so, and its ticket is not touched.
     */
    if (!atomic_compare_exchange_strong_explicit(&task->claim, &running, VD_TASK_DONE, memory_order_acq_rel,
                                                 memory_order_acquire))
        return;
    ticket->result = r;
    ticket->error = error;
}

static void give_to_queue(struct vd_task *task)
{
    /* Relaxed: decided, and ordered, in run_for_ticket. */
    if (atomic_load_explicit(&task->claim, memory_order_relaxed) == VD_TASK_ABANDONED)
        vd_task_free(task);
    else
        /* From here on ticket and task are the queue's. */
        vd_mailbox_post(task->ticket->mailbox, &task->ticket->entry.node);
}

/* On a disk's lane: given away before the lane goes on, so that completions come in the order of the operations. */
static void run_in_order(struct vd_job *job)
{
    struct vd_task *task = task_of(job);

    run_for_ticket(task);
    give_to_queue(task);
}

static void let_go(void *disk)
{
    vd_disk_put(disk);
}

/* A task that has no disk may be what the lane is part of, so that it goes last. */
static void run_alone(struct vd_job *job)
{
    run_for_ticket(task_of(job));
}

static void give_away(void *task)
{
    give_to_queue(task);
}

/* The queue's side. */

/* Of one that no thread has begun with: nobody else will let go of the disk. */
static void take_back(struct vd_ticket *ticket)
{
    struct vdisk *disk = ticket->task->disk;

    vd_task_free(ticket->task);
    if (disk)
        vd_disk_put(disk);
}

static int abandon(struct vd_task *task, bool possible)
{
    int running = VD_TASK_RUNNING;

    if (!possible)
        return atomic_load_explicit(&task->claim, memory_order_relaxed) == VD_TASK_DONE ? -EALREADY : -EBUSY;
    /* Release: what the queue did with the task is over when the thread frees it. */
    if (!atomic_compare_exchange_strong_explicit(&task->claim, &running, VD_TASK_ABANDONED, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return -EALREADY;
    return 0;
}

static int cancel(struct vd_ticket *ticket)
{
    struct vd_task *task = ticket->task;

    if (!vd_executor_take_back(task->executor, &task->job))
        return abandon(task, task->kind->can_be_abandoned);
    take_back(ticket);
    return 0;
}

/* It stays in its lane: what has a timeout is to be done all the same. */
static int time_out(struct vd_ticket *ticket, const char **message)
{
    *message = ticket->task->kind->timeout_message;
    return abandon(ticket->task, true);
}

static void deliver(struct vd_ticket *ticket, struct vdisk_completion *completion)
{
    if (ticket->task->kind->deliver)
        ticket->task->kind->deliver(ticket->task, completion);
}

static void free_task(struct vd_ticket *ticket)
{
    vd_task_free(ticket->task);
}

static const struct vd_ticket_ops ticket_ops = {
    .cancel = cancel, .time_out = time_out, .deliver = deliver, .free = free_task};

/* Submitting. */

static struct vd_ticket *new_ticket(struct vdisk_queue *queue, struct vd_task *task, uint32_t flags, void *user_data)
{
    struct vd_ticket *ticket = calloc(1, sizeof *ticket);

    if (!ticket)
        return NULL;
    ticket->entry.kind = VD_ENTRY_OP;
    ticket->progress_entry.kind = VD_ENTRY_PROGRESS;
    ticket->deadline.of = VD_DEADLINE_TICKET;
    ticket->mailbox = &queue->mailbox;
    ticket->ops = &ticket_ops;
    ticket->task = task;
    ticket->user_data = user_data;
    ticket->wants_progress = flags & VDISK_AIO_PROGRESS;
    return ticket;
}

static void choose_lane(struct vd_task *task)
{
    if (!task->lane && !task->disk)
        vd_lane_init(&task->own_lane, task->cluster->executor);
    if (!task->lane)
        task->lane = task->disk ? &task->disk->lane : &task->own_lane;
    task->executor = vd_executor_share(task->lane->executor);
}

static void init_job(struct vd_task *task)
{
    if (task->disk)
        task->job = (struct vd_job){.run = run_in_order, .finish = let_go, .owner = task->disk};
    else
        task->job = (struct vd_job){.run = run_alone, .finish = give_away, .owner = task};
}

static int arm(struct vdisk_queue *queue, struct vd_task *task)
{
    return task->timeout_ms < 0 ? 0
                                : vd_expiry_arm(&queue->expiry, &task->ticket->deadline, (uint32_t)task->timeout_ms);
}

static int post(struct vdisk_queue *queue, struct vd_task *task, uint32_t flags, void *user_data,
                struct vdisk_error *err)
{
    int r;

    task->ticket = new_ticket(queue, task, flags, user_data);
    if (!task->ticket)
        return vd_error_set(err, -ENOMEM, "Out of memory for the operation.");
    init_job(task);
    choose_lane(task);
    vd_queue_add_ticket(queue, task->ticket);
    r = arm(queue, task);
    if (r == 0)
        r = vd_lane_post(task->lane, &task->job);
    if (r == 0)
        return 0;
    vd_expiry_disarm(&queue->expiry, &task->ticket->deadline);
    vd_queue_remove_ticket(queue, task->ticket);
    free(task->ticket);
    if (r == -EAGAIN)
        return vd_error_set(err, r, "No thread can be started for the operation; try again later.");
    return vd_error_set(err, r, "The operation cannot be started: %s.", strerror(-r));
}

static int submit(struct vdisk_queue *queue, struct vd_task *task, uint32_t flags, void *user_data,
                  struct vdisk_error *err)
{
    uint32_t known = task->kind->has_progress ? VDISK_AIO_PROGRESS : 0;
    int r;

    if (!queue)
        return vd_error_set(err, -EINVAL, "The queue is NULL.");
    if (flags & ~known)
        return vd_error_set(err, -EINVAL, "The flags 0x%x are not known to this call.", flags & ~known);
    if (queue->in_flight == queue->depth)
        return vd_error_set(err, -EAGAIN, "The queue is full: reap completions, then try again.");
    r = hold_disk(task, err);
    if (r < 0)
        return r;
    r = post(queue, task, flags, user_data, err);
    if (r < 0 && task->disk)
        vd_disk_put(task->disk);
    return r;
}

int vd_task_submit(struct vdisk_queue *queue, struct vd_task *task, uint32_t flags, void *user_data,
                   struct vdisk_error *err)
{
    int r = submit(queue, task, flags, user_data, err);

    if (r < 0)
        vd_task_free(task);
    return r;
}

/* Progress. */

static uint64_t share_done(uint64_t done, uint64_t total)
{
    if (total == 0 || done >= total)
        return VDISK_PROGRESS_WHOLE;
    return (uint64_t)((double)done / (double)total * VDISK_PROGRESS_WHOLE);
}

int vd_task_progress(uint64_t done, uint64_t total, void *task)
{
    struct vd_ticket *ticket = ((struct vd_task *)task)->ticket;

    if (!ticket || !ticket->wants_progress)
        return 0;
    /* Relaxed: a number by itself. */
    atomic_store_explicit(&ticket->progress, share_done(done, total), memory_order_relaxed);
    /* One entry at a time, which tells the latest. Acquire: its last use by the queue is over. */
    if (!atomic_exchange_explicit(&ticket->progress_posted, true, memory_order_acq_rel))
        vd_mailbox_post_urgent(ticket->mailbox, &ticket->progress_entry.node);
    return 0;
}
