/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <rbd/librbd.h>
#include <string.h>

#include <vdisk/disk.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "ops/op.h"

struct resize_op {
    struct vd_op op;
    uint64_t size;
    bool may_shrink;
};

static int shrink_error(uint64_t size, uint64_t current, struct vdisk_error *err)
{
    return vd_error_set(err, -EINVAL,
                        "The new size of %" PRIu64 " bytes is smaller than the current %" PRIu64 " bytes; give "
                        "VDISK_RESIZE_SHRINK if what lies beyond may be lost.",
                        size, current);
}

static int run(struct vd_op *op, struct vdisk_error *err)
{
    const struct resize_op *this = (const struct resize_op *)op;
    struct vdisk *disk = op->disk;
    struct vd_quoted quoted;
    int r;

    if (!this->may_shrink && this->size < vd_disk_size(disk))
        return shrink_error(this->size, vd_disk_size(disk), err);
    /* rbd_resize2 counts the header of an encrypted image in the size; rbd_get_size does not. */
    r = rbd_resize2(op->view->image, disk->limits.data_offset + this->size, this->may_shrink, vd_op_progress, op);
    vd_disk_refresh_size(disk, op->view);
    if (r == -EINVAL && !this->may_shrink && this->size < vd_disk_size(disk))
        return shrink_error(this->size, vd_disk_size(disk), err);
    if (r < 0)
        return vd_error_set(err, r, "Resizing image %s to %" PRIu64 " bytes failed: %s.",
                            vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), this->size, strerror(-r));
    return 0;
}

static int new_resize(struct vd_op **op, struct vdisk *disk, uint64_t size, uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = run, .has_progress = true};
    struct resize_op *new;
    int r;

    vd_error_clear(err);
    r = vd_check_writable(disk, "Resizing", err);
    if (r == 0)
        r = vd_check_flags(flags, VDISK_RESIZE_SHRINK, err);
    if (r == 0)
        r = vd_check_size(size, disk->limits.data_offset, err);
    if (r < 0)
        return r;
    new = vd_op_new(sizeof *new, &kind, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    new->size = size;
    new->may_shrink = flags &VDISK_RESIZE_SHRINK;
    *op = &new->op;
    return 0;
}

int vdisk_resize(struct vdisk *disk, uint64_t size, uint32_t flags, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_resize(&op, disk, size, flags, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_resize(struct vdisk_queue *queue, struct vdisk *disk, uint64_t size, uint32_t flags, void *user_data,
                     struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_resize(&op, disk, size, flags & ~VDISK_AIO_PROGRESS, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags & VDISK_AIO_PROGRESS, user_data, err);
}
