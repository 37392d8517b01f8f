/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Closes a disk. vdisk_close does it on the caller's thread. vdisk_aio_close, and vdisk_close_within with a timeout,
 * have a thread of the executor do it, for callers that cannot wait, or not for ever.
 */
#include "ops/close.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "base/clock.h"
#include "base/error.h"
#include "disk/check.h"
#include "disk/opening.h"
#include "io/queue.h"
#include "io/reap.h"
#include "io/sync.h"
#include "ops/op.h"
#include "ops/open_args.h"

static int close_error(const struct vdisk *disk, const char *step, int code, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, code, "%s image %s failed: %s. What was written may not be on the cluster.", step,
                        vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-code));
}

/* Does everything but freeing the disk. */
static int close_disk(struct vdisk *disk, struct vdisk_error *err)
{
    const char *step;
    int r = vd_opening_close(disk, &step);

    if (r < 0)
        close_error(disk, step, r, err);
    vd_sync_free_queues(disk);
    vd_disk_disconnect(disk);
    return r;
}

static void free_disk(struct vdisk *disk)
{
    vd_open_args_free(disk->open_args);
    vd_disk_free(disk);
}

int vd_close_disk(struct vdisk *disk, struct vdisk_error *err)
{
    int r = close_disk(disk, err);

    free_disk(disk);
    return r;
}

static int check_closable(const struct vdisk *disk, struct vdisk_error *err)
{
    int r = vd_check_disk(disk, err);

    /* Relaxed: see vd_disk_get. */
    if (r == 0 && atomic_load_explicit(&disk->users.close_posted, memory_order_relaxed))
        return vd_disk_refusal(disk, err);
    /* Relaxed: see vd_plug_add. */
    if (r == 0 && atomic_load_explicit(&disk->plugged, memory_order_relaxed) > 0)
        r = vd_error_set(err, -EBUSY, "A queue is plugged with requests to the disk: unplug it first.");
    return r;
}

int vdisk_close(struct vdisk *disk, struct vdisk_error *err)
{
    int r;

    vd_error_clear(err);
    r = check_closable(disk, err);
    if (r < 0)
        return r;
    return vd_close_disk(disk, err);
}

/*
 * The operation that closes a disk. Its op.disk is NULL: an operation keeps its op.disk, and this one waits until
 * nobody keeps the disk.
 */
struct close_op {
    struct vd_op op;
    struct vdisk *disk;
    bool closed;
};

static int run_close(struct vd_op *op, struct vdisk_error *err)
{
    struct close_op *this = (struct close_op *)op;

    this->closed = true;
    return close_disk(this->disk, err);
}

/*
 * Frees the disk. run_close cannot do that, since the lane that it runs in is part of the disk. An operation that was
 * cancelled before it ran leaves the disk open.
 */
static void destroy_close(struct vd_op *op)
{
    const struct close_op *this = (const struct close_op *)op;

    if (this->closed)
        free_disk(this->disk);
    else
        /* Relaxed: see vd_disk_get. */
        atomic_store_explicit(&this->disk->users.close_posted, false, memory_order_relaxed);
}

static int submit_close(struct vdisk_queue *queue, struct vdisk *disk, int timeout_ms, uint32_t flags, void *user_data,
                        struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {
        .run = run_close,
        .destroy = destroy_close,
        .timeout_message = "Closing the disk takes longer than it may; what was written may not be on the cluster yet.",
    };
    struct close_op *op;

    if (timeout_ms < -1)
        return vd_error_set(err, -EINVAL, "A timeout of %d ms makes no sense; -1 is none.", timeout_ms);
    op = vd_op_new(sizeof *op, &kind, NULL, vd_cluster_get(disk->cluster), err);
    if (!op)
        return -ENOMEM;
    op->op.lane = &disk->users.lane;
    op->op.timeout_ms = timeout_ms;
    op->disk = disk;
    /* Relaxed: see vd_disk_get. */
    atomic_store_explicit(&disk->users.close_posted, true, memory_order_relaxed);
    return vd_op_submit(queue, &op->op, flags, user_data, err);
}

int vdisk_aio_close(struct vdisk_queue *queue, struct vdisk *disk, int timeout_ms, uint32_t flags, void *user_data,
                    struct vdisk_error *err)
{
    int r;

    vd_error_clear(err);
    r = check_closable(disk, err);
    return r < 0 ? r : submit_close(queue, disk, timeout_ms, flags, user_data, err);
}

static int close_on_queue(struct vdisk *disk, int timeout_ms, struct vdisk_error *err)
{
    struct vdisk_completion completion;
    const struct vdisk_error *found;
    struct vdisk_queue *queue;
    int r = vd_queue_new(&queue, 1, 0, VD_DOORBELL_SEMAPHORE);

    if (r < 0)
        return vd_error_set(err, r, "Out of memory for closing the disk.");
    r = submit_close(queue, disk, timeout_ms, 0, NULL, err);
    if (r == 0) {
        vd_queue_wait(queue, &completion, 1, 1, VD_NEVER);
        r = completion.result;
        found = vd_queue_error(queue, &completion);
        if (found && err)
            *err = *found;
    }
    vd_queue_free(queue);
    return r;
}

int vdisk_close_within(struct vdisk *disk, int timeout_ms, struct vdisk_error *err)
{
    int r;

    if (timeout_ms == -1)
        return vdisk_close(disk, err);
    vd_error_clear(err);
    r = check_closable(disk, err);
    return r < 0 ? r : close_on_queue(disk, timeout_ms, err);
}
