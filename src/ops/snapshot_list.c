/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/snapshot.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "disk/snap_list.h"
#include "ops/list_result.h"
#include "ops/op.h"

/* Appends a snapshot, unless it is not one of a user or was removed meanwhile. */
static int add_user_snapshot(struct vdisk_snapshot *list, size_t *count, rbd_image_t image, const rbd_snap_info_t *raw)
{
    rbd_snap_namespace_type_t type;
    int is_protected = 0;
    int r = rbd_snap_get_namespace_type(image, raw->id, &type);

    if (r == 0 && type != RBD_SNAP_NAMESPACE_TYPE_USER)
        return 0;
    if (r == 0)
        r = rbd_snap_is_protected(image, raw->name, &is_protected);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    list[(*count)++] =
        (struct vdisk_snapshot){.id = raw->id, .size = raw->size, .name = raw->name, .is_protected = is_protected != 0};
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t id_a = ((const struct vdisk_snapshot *)a)->id, id_b = ((const struct vdisk_snapshot *)b)->id;

    return (id_a > id_b) - (id_a < id_b);
}

static struct vdisk_snapshot *allocate_list(const struct vd_snap_list *raw, char **names)
{
    size_t array = (size_t)raw->count * sizeof(struct vdisk_snapshot), text = 0;
    struct vdisk_snapshot *list;

    for (int i = 0; i < raw->count; i++)
        text += strlen(raw->snapshots[i].name) + 1;
    list = malloc(array + text);
    if (list)
        *names = (char *)list + array;
    return list;
}

static int build_list(struct vd_list_result *result, rbd_image_t image, const struct vd_snap_list *raw)
{
    char *names = NULL;
    struct vdisk_snapshot *list = allocate_list(raw, &names);
    size_t used = 0;
    int r = 0;

    if (!list)
        return -ENOMEM;
    for (int i = 0; r == 0 && i < raw->count; i++)
        r = add_user_snapshot(list, &used, image, &raw->snapshots[i]);
    if (r < 0 || used == 0) {
        free(list);
        return r;
    }
    for (size_t i = 0; i < used; i++)
        list[i].name = vd_list_copy_string(&names, list[i].name);
    qsort(list, used, sizeof *list, compare_ids);
    result->found = list;
    result->found_count = used;
    return 0;
}

static int list_image(struct vd_list_result *result, rbd_image_t image)
{
    struct vd_snap_list raw = {0};
    int r = vd_snap_list_read(&raw, image);

    if (r == 0 && raw.count > 0)
        r = build_list(result, image, &raw);
    vd_snap_list_destroy(&raw);
    return r;
}

/* Lists through a new opening of the image: through a read-only one, librbd does not learn of changes. */
static int list_new_view(struct vd_list_result *result, struct vdisk *disk)
{
    struct vd_view *view;
    int r = vd_disk_open_again(&view, disk);

    if (r < 0)
        return r;
    r = list_image(result, view->image);
    vd_view_close_and_free(view);
    return r;
}

struct list_op {
    struct vd_op op;
    struct vd_list_result result;
};

/*
 * Subtracts the header of an encrypted image from the sizes. librbd reports the size that is stored, and the user of
 * the disk knows the size of the contents.
 */
static void subtract_header(struct vdisk_snapshot *snapshots, size_t count, uint64_t header)
{
    for (size_t i = 0; i < count; i++)
        snapshots[i].size -= header < snapshots[i].size ? header : snapshots[i].size;
}

static int run(struct vd_op *op, struct vdisk_error *err)
{
    struct list_op *this = (struct list_op *)op;
    struct vdisk *disk = op->disk;
    struct vd_quoted quoted;
    int r;

    if (disk->limits.read_only)
        r = list_new_view(&this->result, disk);
    else
        r = list_image(&this->result, op->view->image);
    if (r < 0)
        vd_error_set(err, r, "Listing the snapshots of image %s failed: %s.",
                     vd_quote(&quoted, vdisk_uri_image(disk->identity.uri)), strerror(-r));
    else
        subtract_header(this->result.found, this->result.found_count, disk->limits.data_offset);
    return r;
}

static void deliver(struct vd_op *op, struct vdisk_completion *completion)
{
    (void)completion;
    vd_list_result_deliver(&((struct list_op *)op)->result);
}

static void destroy(struct vd_op *op)
{
    vd_list_result_destroy(&((struct list_op *)op)->result);
}

static int new_list(struct vd_op **op, struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk,
                    struct vdisk_error *err)
{
    static const struct vd_op_kind kind = {.run = run, .deliver = deliver, .destroy = destroy};
    struct vd_list_result result;
    struct list_op *new;
    int r;

    vd_error_clear(err);
    r = vd_list_result_init(&result, snapshots, count, err);
    if (r == 0)
        r = vd_check_disk(disk, err);
    if (r < 0)
        return r;
    new = vd_op_new(sizeof *new, &kind, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    new->result = result;
    *op = &new->op;
    return 0;
}

int vdisk_snapshot_list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_list(&op, snapshots, count, disk, err);

    return r < 0 ? r : vd_op_perform(op, err);
}

int vdisk_aio_snapshot_list(struct vdisk_queue *queue, struct vdisk_snapshot **snapshots, size_t *count,
                            struct vdisk *disk, uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_op *op = NULL;
    int r = new_list(&op, snapshots, count, disk, err);

    return r < 0 ? r : vd_op_submit(queue, op, flags, user_data, err);
}

void vdisk_snapshot_list_free(struct vdisk_snapshot *snapshots)
{
    free(snapshots);
}
