/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>
#include <string.h>

#include <vdisk/image.h>

#include "base/error.h"
#include "disk/view.h"
#include "ops/image_op.h"
#include "ops/image_options.h"
#include "ops/open_options.h"
#include "uri/uri.h"

struct clone_op {
    struct vd_image_op image;
    /* Has only the names: the parent is reached with the options of the clone. */
    struct vdisk_uri *parent;
    struct vd_image_options options;
};

/*
 * Returns 1 if the snapshot of the parent is protected, 0 if it is not, or a negative errno if that cannot be found
 * out.
 */
static int is_protected_snapshot(rados_ioctx_t pool, const struct vdisk_uri *parent)
{
    struct vd_view *view;
    int is_protected = 0;
    int r = vd_view_open(&view, pool, vdisk_uri_image(parent), vdisk_uri_snapshot(parent), true);

    if (r < 0)
        return r;
    r = rbd_snap_is_protected(view->image, vdisk_uri_snapshot(parent), &is_protected);
    vd_view_close_and_free(view);
    return r < 0 ? r : is_protected;
}

static int unprotected_error(const struct vdisk_uri *parent, struct vdisk_error *err)
{
    struct vd_quoted image, snapshot;

    return vd_error_set(err, -EINVAL,
                        "Snapshot %s of image %s is not protected, as clones need it to be: protect it "
                        "(vdisk_snapshot_protect), or set the Ceph option rbd_default_clone_format to 2.",
                        vd_quote(&snapshot, vdisk_uri_snapshot(parent)), vd_quote(&image, vdisk_uri_image(parent)));
}

/* Says what is wrong. librbd returns the same errno for several causes, so some are looked for. */
static int clone_error(const struct clone_op *this, rados_ioctx_t parent_pool, int code, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int parent = 1;

    if (code == -EEXIST)
        return vd_image_op_exists(&this->image, vdisk_uri_image(this->image.args.uri), err);
    if (code == -EXDEV)
        return vd_error_set(err, code,
                            "Image %s and its clone are in different namespaces, which only clones of the second "
                            "format can be: set the Ceph option rbd_default_clone_format to 2.",
                            vd_quote(&quoted, vdisk_uri_image(this->parent)));
    if (code == -ENOSYS)
        return vd_error_set(err, code, "Image %s, or the choice of features for its clone, lacks the feature layering.",
                            vd_quote(&quoted, vdisk_uri_image(this->parent)));
    if (code == -ENOENT || code == -EINVAL)
        parent = is_protected_snapshot(parent_pool, this->parent);
    if (parent == -ENOENT)
        return vd_view_missing_error(this->parent, parent_pool, err);
    if (code == -EINVAL && parent == 0)
        return unprotected_error(this->parent, err);
    if (code == -ENOENT && this->options.data_pool)
        return vd_error_set(err, code, "There is no pool %s for the data.", vd_quote(&quoted, this->options.data_pool));
    return vd_error_set(err, code, "Cloning image %s failed: %s.", vd_quote(&quoted, vdisk_uri_image(this->parent)),
                        strerror(-code));
}

static int clone_from(const struct clone_op *this, rados_ioctx_t parent_pool, rados_ioctx_t pool,
                      struct vdisk_error *err)
{
    rbd_image_options_t options;
    int r = vd_image_options_make(&options, &this->options, true);

    if (r == 0)
        r = rbd_clone3(parent_pool, vdisk_uri_image(this->parent), vdisk_uri_snapshot(this->parent), pool,
                       vdisk_uri_image(this->image.args.uri), options);
    rbd_image_options_destroy(options);
    return r < 0 ? clone_error(this, parent_pool, r, err) : 0;
}

static int clone_image(struct vd_image_op *op, struct vd_connection *connection, rados_ioctx_t pool,
                       struct vdisk_error *err)
{
    const struct clone_op *this = (const struct clone_op *)op;
    rados_ioctx_t parent_pool;
    int r = vd_connection_open_pool(&parent_pool, connection, this->parent, err);

    if (r < 0)
        return r;
    r = clone_from(this, parent_pool, pool, err);
    rados_ioctx_destroy(parent_pool);
    return r;
}

static void destroy(struct vd_op *op)
{
    struct clone_op *this = (struct clone_op *)op;

    vdisk_uri_free(this->parent);
    vd_image_options_destroy(&this->options);
    vd_image_op_destroy(op);
}

/*
 * Returns the key of the first option in which the URIs differ, or that only one of them has; NULL: they do not differ.
 */
static const char *find_difference(const struct vdisk_uri *uri, const struct vdisk_uri *other)
{
    const char *key, *value, *other_key, *other_value;

    for (size_t i = 0;; i++) {
        int r = vdisk_uri_option(&key, &value, uri, i), other_r = vdisk_uri_option(&other_key, &other_value, other, i);

        if (r < 0)
            return other_key;
        if (other_r < 0 || strcmp(key, other_key) != 0 || strcmp(value, other_value) != 0)
            return key;
    }
}

static int check_parent(const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                        const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vdisk_open_options ignored;
    struct vd_quoted quoted;
    const char *different;
    int r = vd_open_options_read(&ignored, connect, 0, parent, err);

    if (r < 0)
        return r;
    if (!vdisk_uri_snapshot(parent))
        return vd_error_set(err, -EINVAL, "The URI of the parent must name a snapshot, as rbd:POOL/IMAGE@SNAPSHOT.");
    different = find_difference(parent, clone);
    if (!different)
        return 0;
    return vd_error_set(err, -EINVAL,
                        "The URIs of parent and clone differ in option %s; both images are reached through one "
                        "connection, so both must carry the same options in the same order.",
                        vd_quote(&quoted, different));
}

static int new_clone(struct vd_op **op, const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                     const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                     struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = vd_image_op_run, .destroy = destroy};
    struct vd_image_op *image;
    struct clone_op *new;
    int r;

    vd_error_clear(err);
    r = vd_image_op_new(&image, sizeof *new, &kind, clone, connect, "create", err);
    if (r < 0)
        return r;
    new = (struct clone_op *)image;
    image->work = clone_image;
    r = check_parent(parent, clone, connect, err);
    if (r == 0)
        r = vd_image_options_init(&new->options, create, err);
    if (r == 0 && new->options.create.encryption)
        r = vd_error_set(err, -EINVAL,
                         "A clone is encrypted as its parent is: vdisk_create_options.encryption must not be set.");
    if (r == 0)
        r = vd_uri_copy_names(&new->parent, parent, err);
    if (r < 0)
        vd_op_free(&image->op);
    else
        *op = &image->op;
    return r;
}

int vdisk_clone(const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_clone(&op, parent, clone, create, connect, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_clone(struct vdisk_queue *queue, const struct vdisk_uri *parent, const struct vdisk_uri *clone,
                    const struct vdisk_create_options *create, const struct vdisk_open_options *connect, uint32_t flags,
                    void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_clone(&op, parent, clone, create, connect, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}
