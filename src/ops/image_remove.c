/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "base/names.h"
#include "disk/snap_list.h"
#include "disk/view.h"
#include "disk/watchers.h"
#include "ops/image_op.h"
#include "uri/place.h"

/*
 * The following functions check whether anything needs the image. They return 0, or an error whose message says what
 * does.
 */

static int ceph_snapshots_error(const struct vd_image_op *op, int count, struct vdisk_error *err)
{
    struct vd_quoted image;

    return vd_error_set(err, -ENOTEMPTY,
                        "Image %s has %d snapshots that Ceph keeps for clones, groups or mirroring: flatten or remove "
                        "the clones first, and end other uses with Ceph's own tools.",
                        vd_quote(&image, vdisk_uri_image(op->args.uri)), count);
}

static int snapshots_error(const struct vd_image_op *op, rbd_image_t image, const struct vd_snap_list *raw,
                           struct vdisk_error *err)
{
    struct vd_names names = {0};
    struct vd_quoted quoted;

    for (int i = 0; i < raw->count; i++) {
        rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;

        rbd_snap_get_namespace_type(image, raw->snapshots[i].id, &type);
        if (type == RBD_SNAP_NAMESPACE_TYPE_USER)
            vd_names_add(&names, raw->snapshots[i].name);
    }
    if (names.count == 0)
        return ceph_snapshots_error(op, raw->count, err);
    return vd_error_set(err, -ENOTEMPTY, "Image %s has snapshots, which must be removed first: %s.",
                        vd_quote(&quoted, vdisk_uri_image(op->args.uri)), vd_names_finish(&names));
}

static int check_snapshots(const struct vd_image_op *op, rbd_image_t image, struct vdisk_error *err)
{
    struct vd_snap_list raw = {0};
    int r = vd_snap_list_read(&raw, image);

    if (r < 0)
        vd_image_op_error(op, "Listing the snapshots of", r, err);
    else if (raw.count > 0)
        r = snapshots_error(op, image, &raw, err);
    vd_snap_list_destroy(&raw);
    return r;
}

static int watchers_error(const struct vd_image_op *op, const struct vd_watchers *watchers, struct vdisk_error *err)
{
    struct vd_names names = {0};
    struct vd_quoted quoted;

    for (size_t i = 0; i < watchers->count; i++)
        vd_names_add(&names, watchers->list[i].addr);
    return vd_error_set(err, -EBUSY,
                        "Image %s is in use by %s: close it there first. A client that died with the image open "
                        "counts until the cluster forgets it, by itself after 30 seconds.",
                        vd_quote(&quoted, vdisk_uri_image(op->args.uri)), vd_names_finish(&names));
}

static int check_watchers(const struct vd_image_op *op, rbd_image_t image, struct vdisk_error *err)
{
    struct vd_watchers watchers;
    int r = vd_watchers_read(&watchers, image);

    if (r < 0)
        return vd_image_op_error(op, "Listing the watchers of", r, err);
    if (watchers.count > 0)
        r = watchers_error(op, &watchers, err);
    vd_watchers_destroy(&watchers);
    return r;
}

/*
 * Checks that nothing needs the image. It is opened read-only, because librbd watches an image that it opens for
 * writing, and a watch counts as use.
 */
static int check_unused(const struct vd_image_op *op, rados_ioctx_t pool, struct vdisk_error *err)
{
    struct vd_view *view;
    int r = vd_view_open(&view, pool, vdisk_uri_image(op->args.uri), NULL, true);

    /* There may still be what an interrupted removal has left, which librbd finds. */
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return vd_image_op_error(op, "Opening", r, err);
    r = check_snapshots(op, view->image, err);
    if (r == 0)
        r = check_watchers(op, view->image, err);
    vd_view_close_and_free(view);
    return r;
}

static int remove_error(const struct vd_image_op *op, rados_ioctx_t pool, int code, struct vdisk_error *err)
{
    struct vd_quoted image;

    /* Somebody may have begun to use the image after the first check: say who. */
    if ((code == -EBUSY || code == -ENOTEMPTY) && check_unused(op, pool, err) == code)
        return code;
    if (code == -EMLINK)
        return vd_error_set(err, code, "Image %s belongs to a group; take it out of that first (rbd group image rm).",
                            vd_quote(&image, vdisk_uri_image(op->args.uri)));
    return vd_image_op_error(op, "Removing", code, err);
}

static int remove_image(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool,
                        struct vdisk_error *err)
{
    int r = check_unused(op, pool, err);

    (void)connection;
    if (r < 0)
        return r;
    r = rbd_remove_with_progress(pool, vdisk_uri_image(op->args.uri), vd_op_progress, &op->op);
    return r < 0 ? remove_error(op, pool, r, err) : 0;
}

static int new_remove(struct vd_op **op, const struct vdisk_uri *uri, const struct vdisk_open_options *connect,
                      struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {
        .run = vd_image_op_run, .destroy = vd_image_op_destroy, .has_progress = true};
    struct vd_image_op *image;
    int r;

    vd_error_clear(err);
    r = vd_image_op_new(&image, sizeof *image, &kind, uri, connect, "remove", err);
    if (r < 0)
        return r;
    image->work = remove_image;
    *op = &image->op;
    return 0;
}

int vdisk_remove(const struct vdisk_uri *uri, const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_remove(&op, uri, connect, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_remove(struct vdisk_queue *queue, const struct vdisk_uri *uri, const struct vdisk_open_options *connect,
                     uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_remove(&op, uri, connect, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
