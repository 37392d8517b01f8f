/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drops what librbd caches of an image: vdisk_invalidate and vdisk_aio_invalidate. */
#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "ops/op.h"

/*
 * librbd writes dirty data back before it drops its cache, but does not report whether that worked. On a fenced client,
 * librbd 16.2.15 drops everything and returns success. So the disk is flushed first, and that reports the error.
 */
static int write_back(struct vdisk *disk, rbd_image_t image)
{
    vd_disk_flush_writes(disk, image);
    return vd_flush_state_error(&disk->flush_state);
}

static int run_invalidate(struct vd_op *op, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    const char *image = vd_quote(&quoted, vdisk_uri_image(op->disk->identity.uri));
    int r = write_back(op->disk, op->view->image);

    if (r < 0)
        return vd_error_set(err, r, "Flushing image %s before its cache is dropped failed: %s.", image, strerror(-r));
    r = rbd_invalidate_cache(op->view->image);
    if (r < 0)
        return vd_error_set(err, r, "Dropping the cache of image %s failed: %s.", image, strerror(-r));
    return 0;
}

static int new_invalidate(struct vd_op **op, struct vdisk *disk, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = run_invalidate};
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r < 0)
        return r;
    *op = vd_op_new(sizeof **op, &kind, disk, NULL, err);
    return *op ? 0 : -ENOMEM;
}

int vdisk_invalidate(struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_invalidate(&op, disk, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_invalidate(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                         struct vdisk_error *err)
{
    struct vd_op *op;
    int r = new_invalidate(&op, disk, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
