/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "disk/check.h"
#include "ops/op.h"

static int flatten(struct vd_op *op, struct vdisk_error *err)
{
    struct vd_quoted image;
    int r = rbd_flatten_with_progress(op->view->image, vd_op_progress, op);

    if (r == 0)
        vd_parent_cut(&op->disk->identity.parent);
    if (r >= 0)
        return 0;
    vd_quote(&image, vdisk_uri_image(op->disk->identity.uri));
    return vd_error_set(err, r, "Flattening image %s failed: %s.", image.text,
                        r == -EINVAL ? "it has no parent" : strerror(-r));
}

static int new_flatten(struct vd_op **op, struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = flatten, .has_progress = true};
    int r;

    vd_error_clear(err);
    r = vd_check_writable(disk, "Flattening", err);
    if (r == 0)
        r = vd_check_flags(flags, 0, err);
    if (r < 0)
        return r;
    *op = vd_op_new(sizeof **op, &kind, disk, NULL, err);
    return *op ? 0 : -ENOMEM;
}

int vdisk_flatten(struct vdisk *disk, uint32_t flags, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_flatten(&op, disk, flags, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_flatten(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                      struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_flatten(&op, disk, 0, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
