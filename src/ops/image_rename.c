/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "ops/image_op.h"

struct rename_op {
    struct vd_image_op image;
    char *new_name;
};

static int rename_image(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool,
                        struct vdisk_error *err)
{
    const struct rename_op *this = (const struct rename_op *)op;
    int r = rbd_rename(pool, vdisk_uri_image(op->args.uri), this->new_name);

    (void)connection;
    if (r == -EEXIST)
        return vd_image_op_exists(op, this->new_name, err);
    return r < 0 ? vd_image_op_error(op, "Renaming", r, err) : 0;
}

static void destroy(struct vd_op *op)
{
    free(((struct rename_op *)op)->new_name);
    vd_image_op_destroy(op);
}

static int new_rename(struct vd_op **op, const struct vdisk_uri *uri, const char *new_name,
                      const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = vd_image_op_run, .destroy = destroy};
    struct vd_image_op *image;
    struct rename_op *new;
    int r;

    vd_error_clear(err);
    /* librbd 16.2.15 refuses an empty name too, but leaves rubbish in the pool. */
    if (!new_name || !new_name[0])
        return vd_error_set(err, -EINVAL, "The new name of the image is empty.");
    r = vd_image_op_new(&image, sizeof *new, &kind, uri, connect, "rename", err);
    if (r < 0)
        return r;
    new = (struct rename_op *)image;
    image->work = rename_image;
    *op = &image->op;
    new->new_name = strdup(new_name);
    if (new->new_name)
        return 0;
    vd_op_free(*op);
    return vd_error_set(err, -ENOMEM, "Out of memory for the new name of the image.");
}

int vdisk_rename(const struct vdisk_uri *uri, const char *new_name, const struct vdisk_open_options *connect,
                 struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_rename(&op, uri, new_name, connect, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_rename(struct vdisk_queue *queue, const struct vdisk_uri *uri, const char *new_name,
                     const struct vdisk_open_options *connect, uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_rename(&op, uri, new_name, connect, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
