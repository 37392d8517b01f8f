/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the operations on images that are not open have in common: they connect, work in a pool, and let go of it.
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

/* The first member of a structure with the operation's own arguments. */
struct vd_image_op {
    struct vd_op op;
    struct vd_open_args args;
    /* In the namespace that the target names. Returns 0 or a negative errno with its sentence. */
    int (*work)(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_error *err);
};

/*
 * Makes a operation of `size` bytes about the image that `uri` names, which must not name a snapshot: `doing`, "rename"
 * say, is for that message. Its kind's `run` is vd_image_op_run, and its `clear` calls vd_image_op_destroy.
 */
int vd_image_op_new(struct vd_image_op **op, size_t size, const struct vd_op_kind *kind, const struct vdisk_uri *uri,
                    const struct vdisk_open_options *connect, const char *doing, struct vdisk_error *err);

int vd_image_op_run(struct vd_op *op, struct vdisk_error *err);
void vd_image_op_destroy(struct vd_op *op);

/* `doing`, "Renaming" say, failed at the image of the operation. */
int vd_image_op_error(const struct vd_image_op *op, const char *doing, int code, struct vdisk_error *err);

/* -EEXIST: `name` is taken in the pool. */
int vd_image_op_exists(const struct vd_image_op *op, const char *name, struct vdisk_error *err);

#endif
