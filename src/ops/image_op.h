/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An image operation: a control operation (op.h) on an image that is not open, such as creating or removing it. Its
 * arguments (open_args.h) say how to reach the image, and it has a connection and a pool while it runs. What a new
 * image is to be like is in image_options.h.
 */
#ifndef VD_IMAGE_OP_H
#define VD_IMAGE_OP_H

#include <rados/librados.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "cluster/connection.h"
#include "ops/op.h"
#include "ops/open_args.h"

/* The first member of a structure that has the other arguments of the operation. */
struct vd_image_op {
    struct vd_op op;
    struct vd_open_args args;
    /*
     * Does the work in `pool`, which is the pool and namespace that the URI names. Returns 0, or a negative errno with
     * a message in `err`.
     */
    int (*work)(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_error *err);
};

/*
 * Makes an operation of `size` bytes on the image that `uri` names; the caller then sets `work`. A URI that names a
 * snapshot is refused, and `doing` is the verb of that message, such as "rename". The kind's run must be
 * vd_image_op_run, and its destroy must call vd_image_op_destroy. Returns 0, or a negative errno with a message in
 * `err`.
 */
int vd_image_op_new(struct vd_image_op **op, size_t size, const struct vd_op_kind *kind, const struct vdisk_uri *uri,
                    const struct vdisk_open_options *connect, const char *doing, struct vdisk_error *err);

/* Connects, opens the pool, does the work and gives both back. Blocks. Retires a connection that was fenced. */
int vd_image_op_run(struct vd_op *op, struct vdisk_error *err);

/* Frees the arguments of the operation (open_args.h). */
void vd_image_op_destroy(struct vd_op *op);

/* Says that `doing`, such as "Renaming", failed for the image of the operation. Returns `code`. */
int vd_image_op_error(const struct vd_image_op *op, const char *doing, int code, struct vdisk_error *err);

/* Says that the pool has an image `name` already. Returns -EEXIST. */
int vd_image_op_exists(const struct vd_image_op *op, const char *name, struct vdisk_error *err);

#endif
