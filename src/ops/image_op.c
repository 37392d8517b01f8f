/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/image_op.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "cluster/connections.h"
#include "uri/place.h"

static int check_no_snapshot(const struct vdisk_uri *uri, const char *doing, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (!vdisk_uri_snapshot(uri))
        return 0;
    return vd_error_set(err, -EINVAL, "The URI of an image to %s must not name a snapshot, but it names %s.", doing,
                        vd_quote(&quoted, vdisk_uri_snapshot(uri)));
}

int vd_image_op_new(struct vd_image_op **op, size_t size, const struct vd_op_kind *kind, const struct vdisk_uri *uri,
                    const struct vdisk_open_options *connect, const char *doing, struct vdisk_error *err)
{
    struct vd_open_args args = {0};
    struct vd_image_op *new;
    struct vd_cluster *cluster;
    int r = vd_open_args_init(&args, &cluster, uri, connect, 0, err);

    if (r == 0)
        r = check_no_snapshot(uri, doing, err);
    if (r < 0) {
        vd_cluster_put(cluster);
        vd_open_args_destroy(&args);
        return r;
    }
    new = vd_op_new(size, kind, NULL, cluster, err);
    if (!new) {
        vd_open_args_destroy(&args);
        return -ENOMEM;
    }
    new->args = args;
    *op = new;
    return 0;
}

int vd_image_op_run(struct vd_op *op, struct vdisk_error *err)
{
    struct vd_image_op *this = (struct vd_image_op *)op;
    struct vd_connection *connection;
    rados_ioctx_t pool;
    int r = vd_connection_get(&connection, &pool, op->cluster, this->args.uri, &this->args.options, err);

    if (r < 0)
        return r;
    r = this->work(this, connection, pool, err);
    rados_ioctx_destroy(pool);
    if (r == -ESHUTDOWN)
        vd_connection_retire(connection);
    vd_connection_put(connection);
    return r;
}

void vd_image_op_destroy(struct vd_op *op)
{
    vd_open_args_destroy(&((struct vd_image_op *)op)->args);
}

int vd_image_op_error(const struct vd_image_op *op, const char *doing, int code, struct vdisk_error *err)
{
    const struct vdisk_uri *uri = op->args.uri;
    struct vd_quoted image;
    struct vd_place place;

    vd_quote(&image, vdisk_uri_image(uri));
    vd_place_describe(&place, uri);
    if (code == -ENOENT)
        return vd_error_set(err, code, "There is no image %s in %s.", image.text, place.text);
    return vd_error_set(err, code, "%s image %s in %s failed: %s.", doing, image.text, place.text, strerror(-code));
}

int vd_image_op_exists(const struct vd_image_op *op, const char *name, struct vdisk_error *err)
{
    struct vd_quoted image;
    struct vd_place place;

    return vd_error_set(err, -EEXIST, "There is an image %s in %s already.", vd_quote(&image, name),
                        vd_place_describe(&place, op->args.uri));
}
