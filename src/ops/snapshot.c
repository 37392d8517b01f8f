/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vdisk/snapshot.h>

#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "ops/op.h"

struct change {
    /* Exactly one of these two is set; the second reports progress. */
    int (*apply)(rbd_image_t image, const char *name);
    int (*apply_progress)(rbd_image_t image, const char *name, librbd_progress_fn_t progress, void *argument);
    /* How messages name the change, such as "Creating". */
    const char *doing;
    /* What librbd means by -EBUSY and by -EINVAL; NULL: nothing in particular. */
    const char *busy;
    const char *invalid;
};

static const char *reason(const struct change *change, int code)
{
    if (code == -EBUSY && change->busy)
        return change->busy;
    if (code == -EINVAL && change->invalid)
        return change->invalid;
    if (code == -ENOENT)
        return "there is no such snapshot";
    if (code == -EEXIST)
        return "there is such a snapshot already";
    return strerror(-code);
}

static int change_error(const struct change *change, const struct vdisk *disk, const char *name, int code,
                        struct vdisk_error *err)
{
    struct vd_quoted snapshot, image;

    return vd_error_set(err, code, "%s snapshot %s of image %s failed: %s.", change->doing, vd_quote(&snapshot, name),
                        vd_quote(&image, vdisk_uri_image(disk->identity.uri)), reason(change, code));
}

struct change_op {
    struct vd_op op;
    const struct change *change;
    char *name;
};

static int run_change(struct vd_op *op, struct vdisk_error *err)
{
    const struct change_op *this = (const struct change_op *)op;
    int r;

    if (this->change->apply)
        r = this->change->apply(op->view->image, this->name);
    else
        r = this->change->apply_progress(op->view->image, this->name, vd_op_progress, op);
    if (r < 0)
        change_error(this->change, op->disk, this->name, r, err);
    /*
     * A rollback sets the size back, too. Ceph's watch reports that some time later, but the caller should see it when
     * the call returns.
     */
    vd_disk_refresh_size(op->disk, op->view);
    return r;
}

static void destroy_change(struct vd_op *op)
{
    free(((struct change_op *)op)->name);
}

static int new_change(struct vd_op **op, const struct change *change, struct vdisk *disk, const char *name,
                      uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_op_kind plain = {.run = run_change, .destroy = destroy_change};
    static const struct vd_op_kind progressing = {.run = run_change, .destroy = destroy_change, .has_progress = true};
    struct change_op *new;
    int r;

    vd_error_clear(err);
    r = vd_check_writable(disk, "Changing the snapshots of", err);
    if (r == 0)
        r = vd_check_flags(flags, 0, err);
    if (r < 0)
        return r;
    if (!name || !name[0])
        return vd_error_set(err, -EINVAL, "The name of the snapshot is empty.");
    new = vd_op_new(sizeof *new, change->apply ? &plain : &progressing, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    *op = &new->op;
    new->change = change;
    new->name = strdup(name);
    if (new->name)
        return 0;
    vd_op_free(*op);
    return vd_error_set(err, -ENOMEM, "Out of memory for the name of the snapshot.");
}

static int change(const struct change *change, struct vdisk *disk, const char *name, uint32_t flags,
                  struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_change(&op, change, disk, name, flags, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

static int change_aio(struct vdisk_queue *queue, const struct change *change, struct vdisk *disk, const char *name,
                      uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_change(&op, change, disk, name, 0, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}

static int remove_snapshot(rbd_image_t image, const char *name, librbd_progress_fn_t progress, void *argument)
{
    return rbd_snap_remove2(image, name, 0, progress, argument);
}

static const struct change create_change = {.apply = rbd_snap_create, .doing = "Creating"};
static const struct change remove_change = {
    .apply_progress = remove_snapshot, .doing = "Removing", .busy = "it is protected or clones depend on it"};
static const struct change rollback_change = {.apply_progress = rbd_snap_rollback_with_progress,
                                              .doing = "Rolling back to"};
static const struct change protect_change = {
    .apply = rbd_snap_protect, .doing = "Protecting", .busy = "it is protected already"};
static const struct change unprotect_change = {.apply = rbd_snap_unprotect,
                                               .doing = "Unprotecting",
                                               .busy = "clones depend on it",
                                               .invalid = "it is not protected"};

int vdisk_snapshot_create(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err)
{
    return change(&create_change, disk, name, flags, err);
}

int vdisk_aio_snapshot_create(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                              void *user_data, struct vdisk_error *err)
{
    return change_aio(queue, &create_change, disk, name, flags, user_data, err);
}

int vdisk_snapshot_remove(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err)
{
    return change(&remove_change, disk, name, flags, err);
}

int vdisk_aio_snapshot_remove(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                              void *user_data, struct vdisk_error *err)
{
    return change_aio(queue, &remove_change, disk, name, flags, user_data, err);
}

int vdisk_snapshot_rollback(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err)
{
    return change(&rollback_change, disk, name, flags, err);
}

int vdisk_aio_snapshot_rollback(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                                void *user_data, struct vdisk_error *err)
{
    return change_aio(queue, &rollback_change, disk, name, flags, user_data, err);
}

int vdisk_snapshot_protect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err)
{
    return change(&protect_change, disk, name, flags, err);
}

int vdisk_aio_snapshot_protect(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                               void *user_data, struct vdisk_error *err)
{
    return change_aio(queue, &protect_change, disk, name, flags, user_data, err);
}

int vdisk_snapshot_unprotect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err)
{
    return change(&unprotect_change, disk, name, flags, err);
}

int vdisk_aio_snapshot_unprotect(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                                 void *user_data, struct vdisk_error *err)
{
    return change_aio(queue, &unprotect_change, disk, name, flags, user_data, err);
}
