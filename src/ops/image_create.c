/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "disk/check.h"
#include "ops/image_encrypt.h"
#include "ops/image_op.h"
#include "ops/image_options.h"

struct create_op {
    struct vd_image_op image;
    uint64_t size;
    struct vd_image_options options;
};

static int create_error(const struct create_op *this, int code, struct vdisk_error *err)
{
    struct vd_quoted pool;

    if (code == -EEXIST)
        return vd_image_op_exists(&this->image, vdisk_uri_image(this->image.args.uri), err);
    if (code == -ENOENT && this->options.data_pool)
        return vd_error_set(err, code, "There is no pool %s for the data.", vd_quote(&pool, this->options.data_pool));
    if (code == -EINVAL && this->options.create.stripe_unit)
        return vd_error_set(err, code,
                            "The stripe unit is larger than the objects of the configured size: choose an object size "
                            "too.");
    return vd_image_op_error(&this->image, "Creating", code, err);
}

static int create(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_error *err)
{
    const struct create_op *this = (const struct create_op *)op;
    const struct vdisk_create_options *create_options = &this->options.create;
    rbd_image_options_t options;
    int r = vd_image_options_make(&options, &this->options, false);

    (void)connection;
    if (r == 0)
        r = rbd_create4(pool, vdisk_uri_image(op->args.uri), vd_image_encrypt_room(create_options) + this->size,
                        options);
    rbd_image_options_destroy(options);
    if (r < 0)
        return create_error(this, r, err);
    return vd_image_encrypt(op, pool, this->size, create_options, err);
}

static void destroy(struct vd_op *op)
{
    vd_image_options_destroy(&((struct create_op *)op)->options);
    vd_image_op_destroy(op);
}

static int new_create(struct vd_op **op, const struct vdisk_uri *uri, uint64_t size,
                      const struct vdisk_create_options *create_options, const struct vdisk_open_options *connect,
                      struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = vd_image_op_run, .destroy = destroy};
    struct vd_image_op *image;
    struct create_op *new;
    int r;

    vd_error_clear(err);
    r = vd_image_op_new(&image, sizeof *new, &kind, uri, connect, "create", err);
    if (r < 0)
        return r;
    new = (struct create_op *)image;
    image->work = create;
    new->size = size;
    r = vd_image_options_init(&new->options, create_options, err);
    if (r == 0)
        r = vd_check_size(size, vd_image_encrypt_room(&new->options.create), err);
    if (r < 0)
        vd_op_free(&image->op);
    else
        *op = &image->op;
    return r;
}

int vdisk_create(const struct vdisk_uri *uri, uint64_t size, const struct vdisk_create_options *create_options,
                 const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_create(&op, uri, size, create_options, connect, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_create(struct vdisk_queue *queue, const struct vdisk_uri *uri, uint64_t size,
                     const struct vdisk_create_options *create_options, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_create(&op, uri, size, create_options, connect, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
