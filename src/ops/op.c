/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/op.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/container.h"
#include "base/error.h"
#include "base/process.h"
#include "io/expiry.h"
#include "io/queue.h"

void *vd_op_new(size_t size, const struct vd_op_kind *kind, struct vdisk *disk, struct vd_cluster *cluster,
                struct vdisk_error *err)
{
    struct vd_op *op = calloc(1, size);

    assert(size >= sizeof *op && !disk == !!cluster);
    /* Progress goes through the op_entry, which an abandoned operation must not touch. */
    assert(!(kind->has_progress && (kind->can_be_abandoned || kind->timeout_message)));
    if (!op) {
        vd_cluster_put(cluster);
        vd_error_set(err, -ENOMEM, "Out of memory for the operation.");
        return NULL;
    }
    op->kind = kind;
    op->disk = disk;
    op->cluster = cluster;
    op->timeout_ms = -1;
    return op;
}

void vd_op_free(struct vd_op *op)
{
    if (op->kind->destroy)
        op->kind->destroy(op);
    vd_executor_put(op->executor);
    vd_cluster_put(op->cluster);
    free(op);
}

/*
 * Keeps the disk for the life of the operation. A disk that is fenced or reopening takes only operations that deal with
 * views themselves.
 */
static int get_disk(const struct vd_op *op, struct vdisk_error *err)
{
    struct vdisk *disk = op->disk;
    int r;

    if (!disk)
        return 0;
    if (!vd_disk_get(disk))
        return vd_disk_refusal(disk, err);
    if (op->kind->without_view || !vd_disk_refuses_all(disk))
        return 0;
    r = vd_disk_refusal(disk, err);
    vd_disk_put(disk);
    return r;
}

/*
 * Runs the operation. The caller keeps the disk, if there is one: so a close does not retire the view before the run
 * ends.
 */
static int run(struct vd_op *op, struct vdisk_error *err)
{
    int r;

    if (!op->disk || op->kind->without_view)
        return op->kind->run(op, err);
    op->view = vd_disk_enter_even_closing(op->disk);
    if (!op->view)
        return vd_disk_refusal(op->disk, err);
    r = op->kind->run(op, err);
    vd_disk_note_result(op->disk, r);
    vd_view_leave(op->view);
    return r;
}

int vd_op_perform(struct vd_op *op, struct vdisk_error *err)
{
    struct vdisk_completion completion = {0};
    struct vdisk *disk = op->disk;
    sigset_t signals;
    int r;

    r = get_disk(op, err);
    if (r < 0) {
        vd_op_free(op);
        return r;
    }
    vd_signals_block(&signals);
    r = run(op, err);
    vd_signals_restore(&signals);
    if (op->kind->deliver)
        op->kind->deliver(op, &completion);
    vd_op_free(op);
    if (disk)
        vd_disk_put(disk);
    return r;
}

static struct vd_op *job_op(struct vd_job *job)
{
    return VD_CONTAINER_OF(job, struct vd_op, job);
}

static void run_and_note_result(struct vd_op *op)
{
    struct vd_op_entry *op_entry = op->op_entry;
    struct vdisk_error error = {0};
    int r = run(op, &error), running = VD_OP_RUNNING;

    /*
     * Acquire, on failure: pairs with the release in abandon. This thread frees the abandoned operation, and sees what
     * the queue's thread did with it. An abandoned operation stays so; its op_entry may be freed already.
     *
     * On success the queue's thread learns the result through the mailbox, which orders it.
     */
    if (!atomic_compare_exchange_strong_explicit(&op->state, &running, VD_OP_DONE, memory_order_acq_rel,
                                                 memory_order_acquire))
        return;
    op_entry->result = r;
    op_entry->error = error;
}

/*
 * Posts the operation to its queue, or frees it if the queue's thread has abandoned it. Runs on the executor's thread.
 */
static void post_or_free(void *owner)
{
    struct vd_op *op = owner;

    /* Relaxed: run_and_note_result has decided it on this thread, and ordered what follows. */
    if (atomic_load_explicit(&op->state, memory_order_relaxed) == VD_OP_ABANDONED)
        vd_op_free(op);
    else
        /* From here on the queue's thread owns the op_entry and the operation. */
        vd_mailbox_post(op->op_entry->mailbox, &op->op_entry->entry.node);
}

/*
 * Runs an operation about a disk. Posts it before the lane goes on, so that completions come in the order of the
 * operations.
 */
static void run_on_disk_lane(struct vd_job *job)
{
    struct vd_op *op = job_op(job);

    run_and_note_result(op);
    post_or_free(op);
}

static void put_disk(void *disk)
{
    vd_disk_put(disk);
}

/*
 * Runs an operation without a disk. Its lane is part of the operation, or of the disk that it closes. So post_or_free
 * is called later, as the finish of the job, when the executor does not use the lane any more.
 */
static void run_on_own_lane(struct vd_job *job)
{
    run_and_note_result(job_op(job));
}

/* The queue's thread calls the following functions, up to entry_calls, through the op_entry. */

/*
 * Frees an operation that no thread has begun to run. The executor does not call finish for it, so the disk is put
 * here.
 */
static void free_unstarted(struct vd_op_entry *op_entry)
{
    struct vdisk *disk = op_entry->op->disk;

    vd_op_free(op_entry->op);
    if (disk)
        vd_disk_put(disk);
}

/* Abandons a submitted operation, if that is `possible`. -EBUSY: it is not. -EALREADY: the run has ended. */
static int abandon(struct vd_op *op, bool possible)
{
    int running = VD_OP_RUNNING;

    /* Relaxed: only the errno depends on it. */
    if (!possible)
        return atomic_load_explicit(&op->state, memory_order_relaxed) == VD_OP_DONE ? -EALREADY : -EBUSY;
    /*
     * Release: pairs with the acquire in run_and_note_result; the thread that frees the operation sees what the queue's
     * thread did with it. Relaxed on failure: the mailbox orders the result.
     */
    if (!atomic_compare_exchange_strong_explicit(&op->state, &running, VD_OP_ABANDONED, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return -EALREADY;
    return 0;
}

static int cancel(struct vd_op_entry *op_entry)
{
    struct vd_op *op = op_entry->op;

    if (!vd_executor_take_back(op->executor, &op->job))
        return abandon(op, op->kind->can_be_abandoned);
    free_unstarted(op_entry);
    return 0;
}

/* Leaves the operation in its lane: one that has expired runs all the same. */
static int expire(struct vd_op_entry *op_entry, const char **message)
{
    *message = op_entry->op->kind->timeout_message;
    return abandon(op_entry->op, true);
}

static void deliver(struct vd_op_entry *op_entry, struct vdisk_completion *completion)
{
    if (op_entry->op->kind->deliver)
        op_entry->op->kind->deliver(op_entry->op, completion);
}

static void free_op(struct vd_op_entry *op_entry)
{
    vd_op_free(op_entry->op);
}

static const struct vd_op_entry_calls entry_calls = {
    .cancel = cancel, .expire = expire, .deliver = deliver, .free = free_op};

static struct vd_op_entry *new_entry(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data)
{
    struct vd_op_entry *op_entry = calloc(1, sizeof *op_entry);

    if (!op_entry)
        return NULL;
    op_entry->entry.kind = VD_ENTRY_OP;
    op_entry->progress_entry.kind = VD_ENTRY_PROGRESS;
    op_entry->deadline.of = VD_DEADLINE_OP;
    op_entry->mailbox = &queue->mailbox;
    op_entry->calls = &entry_calls;
    op_entry->op = op;
    op_entry->user_data = user_data;
    op_entry->wants_progress = flags & VDISK_AIO_PROGRESS;
    return op_entry;
}

static void choose_lane(struct vd_op *op)
{
    if (!op->lane && !op->disk)
        vd_lane_init(&op->own_lane, op->cluster->executor);
    if (!op->lane)
        op->lane = op->disk ? &op->disk->users.lane : &op->own_lane;
    op->executor = vd_executor_get(op->lane->executor);
}

static void init_job(struct vd_op *op)
{
    if (op->disk)
        op->job = (struct vd_job){.run = run_on_disk_lane, .finish = put_disk, .owner = op->disk};
    else
        op->job = (struct vd_job){.run = run_on_own_lane, .finish = post_or_free, .owner = op};
}

static int arm(struct vdisk_queue *queue, struct vd_op *op)
{
    return op->timeout_ms < 0 ? 0 : vd_expiry_arm(&queue->expiry, &op->op_entry->deadline, (uint32_t)op->timeout_ms);
}

static int enqueue(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data,
                   struct vdisk_error *err)
{
    int r;

    op->op_entry = new_entry(queue, op, flags, user_data);
    if (!op->op_entry)
        return vd_error_set(err, -ENOMEM, "Out of memory for the operation.");
    init_job(op);
    choose_lane(op);
    vd_queue_add_op(queue, op->op_entry);
    r = arm(queue, op);
    if (r == 0)
        r = vd_lane_post(op->lane, &op->job);
    if (r == 0)
        return 0;
    vd_expiry_disarm(&queue->expiry, &op->op_entry->deadline);
    vd_queue_remove_op(queue, op->op_entry);
    free(op->op_entry);
    if (r == -EAGAIN)
        return vd_error_set(err, r, "No thread can be started for the operation; try again later.");
    return vd_error_set(err, r, "The operation cannot be started: %s.", strerror(-r));
}

static int submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data, struct vdisk_error *err)
{
    uint32_t known = op->kind->has_progress ? VDISK_AIO_PROGRESS : 0;
    int r;

    if (!queue)
        return vd_error_set(err, -EINVAL, "The queue is NULL.");
    if (flags & ~known)
        return vd_error_set(err, -EINVAL, "The flags 0x%x are not known to this call.", flags & ~known);
    if (queue->in_flight == queue->depth)
        return vd_error_set(err, -EAGAIN, "The queue is full: reap completions, then try again.");
    r = get_disk(op, err);
    if (r < 0)
        return r;
    r = enqueue(queue, op, flags, user_data, err);
    if (r < 0 && op->disk)
        vd_disk_put(op->disk);
    return r;
}

int vd_op_submit(struct vdisk_queue *queue, struct vd_op *op, uint32_t flags, void *user_data, struct vdisk_error *err)
{
    int r = submit(queue, op, flags, user_data, err);

    if (r < 0)
        vd_op_free(op);
    return r;
}

static uint64_t progress_value(uint64_t done, uint64_t total)
{
    if (total == 0 || done >= total)
        return VDISK_PROGRESS_WHOLE;
    return (uint64_t)((double)done / (double)total * VDISK_PROGRESS_WHOLE);
}

int vd_op_progress(uint64_t done, uint64_t total, void *op)
{
    struct vd_op_entry *op_entry = ((struct vd_op *)op)->op_entry;

    if (!op_entry || !op_entry->wants_progress)
        return 0;
    /* Relaxed: no other data depends on the number, and the exchange below orders it. */
    atomic_store_explicit(&op_entry->progress, progress_value(done, total), memory_order_relaxed);
    /*
     * Posts the entry unless it is on its way already; in either case the queue's thread reads the latest number.
     *
     * Acquire: pairs with the release in vd_op_entry_deliver_progress; the queue no longer uses the entry. Release:
     * pairs with the acquire there; if the entry is on its way, that function sees the number stored above.
     */
    if (!atomic_exchange_explicit(&op_entry->progress_posted, true, memory_order_acq_rel))
        vd_mailbox_post_urgent(op_entry->mailbox, &op_entry->progress_entry.node);
    return 0;
}
