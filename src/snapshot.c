/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vdisk/snapshot.h>

#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "error.h"
#include "handle.h"
#include "snap_list.h"
#include "task.h"

/* Changing. */

struct change {
    int (*apply)(rbd_image_t image, const char *name);
    /* What it is called in messages. */
    const char *doing;
    /* What librbd means by -EBUSY and -EINVAL; NULL: nothing in particular. */
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
                        vd_quote(&image, vdisk_uri_image(disk->uri)), reason(change, code));
}

struct change_task {
    struct vd_task task;
    const struct change *change;
    char *name;
};

static int run_change(struct vd_task *task, struct vdisk_error *err)
{
    const struct change_task *this = (const struct change_task *)task;
    int r = this->change->apply(task->view->image, this->name);

    if (r < 0)
        change_error(this->change, task->disk, this->name, r, err);
    /* A rollback sets the size back too; the watch tells, but the caller should see it on return. */
    vd_handle_refresh_size(task->disk, task->view);
    return r;
}

static void clear_change(struct vd_task *task)
{
    free(((struct change_task *)task)->name);
}

static int new_change(struct vd_task **task, const struct change *change, struct vdisk *disk, const char *name,
                      uint32_t flags, struct vdisk_error *err)
{
    static const struct vd_task_kind kind = {.run = run_change, .clear = clear_change};
    struct change_task *new;
    int r;

    vd_error_clear(err);
    r = vd_check_writable(disk, "Changing the snapshots of", err);
    if (r == 0)
        r = vd_check_flags(flags, 0, err);
    if (r < 0)
        return r;
    if (!name || !name[0])
        return vd_error_set(err, -EINVAL, "The name of the snapshot is empty.");
    new = vd_task_new(sizeof *new, &kind, disk, NULL, err);
    if (!new)
        return -ENOMEM;
    *task = &new->task;
    new->change = change;
    new->name = strdup(name);
    if (new->name)
        return 0;
    vd_task_free(*task);
    return vd_error_set(err, -ENOMEM, "Out of memory for the name of the snapshot.");
}

static int change(const struct change *change, struct vdisk *disk, const char *name, uint32_t flags,
                  struct vdisk_error *err)
{
    struct vd_task *task;
    int r = new_change(&task, change, disk, name, flags, err);

    return r < 0 ? r : vd_task_perform(task, err);
}

static int change_aio(struct vdisk_queue *queue, const struct change *change, struct vdisk *disk, const char *name,
                      uint32_t flags, void *user_data, struct vdisk_error *err)
{
    struct vd_task *task;
    int r = new_change(&task, change, disk, name, 0, err);

    return r < 0 ? r : vd_task_submit(queue, task, flags, user_data, err);
}

static const struct change create_change = {.apply = rbd_snap_create, .doing = "Creating"};
static const struct change remove_change = {
    .apply = rbd_snap_remove, .doing = "Removing", .busy = "it is protected or clones depend on it"};
static const struct change rollback_change = {.apply = rbd_snap_rollback, .doing = "Rolling back to"};
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

/* Listing. */

/* Leaves out the snapshots that are not users', and those that went in the meantime. */
static int add(struct vdisk_snapshot *list, size_t *count, rbd_image_t image, const rbd_snap_info_t *raw)
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

static int by_id(const void *a, const void *b)
{
    uint64_t id_a = ((const struct vdisk_snapshot *)a)->id, id_b = ((const struct vdisk_snapshot *)b)->id;

    return (id_a > id_b) - (id_a < id_b);
}

/* One block for the array and its names, so that one free is enough. */
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

static int build_list(struct vdisk_snapshot **snapshots, size_t *count, rbd_image_t image,
                      const struct vd_snap_list *raw)
{
    char *names = NULL;
    struct vdisk_snapshot *list = allocate_list(raw, &names);
    size_t used = 0;
    int r = 0;

    if (!list)
        return -ENOMEM;
    for (int i = 0; r == 0 && i < raw->count; i++)
        r = add(list, &used, image, &raw->snapshots[i]);
    if (r < 0 || used == 0) {
        free(list);
        return r;
    }
    for (size_t i = 0; i < used; i++) {
        size_t size = strlen(list[i].name) + 1;

        list[i].name = memcpy(names, list[i].name, size);
        names += size;
    }
    qsort(list, used, sizeof *list, by_id);
    *snapshots = list;
    *count = used;
    return 0;
}

static int list_image(struct vdisk_snapshot **snapshots, size_t *count, rbd_image_t image)
{
    struct vd_snap_list raw = {0};
    int r = vd_snap_list_read(&raw, image);

    if (r == 0 && raw.count > 0)
        r = build_list(snapshots, count, image, &raw);
    vd_snap_list_free(&raw);
    return r;
}

/* librbd learns nothing new through a read-only opening, so there the list needs one of its own. */
static int list_afresh(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk)
{
    struct vd_view *view;
    int r = vd_handle_open_again(&view, disk);

    if (r < 0)
        return r;
    r = list_image(snapshots, count, view->image);
    vd_view_discard(view);
    return r;
}

int vdisk_snapshot_list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    struct vd_view *view;
    int r;

    vd_error_clear(err);
    if (snapshots)
        *snapshots = NULL;
    if (count)
        *count = 0;
    if (!snapshots || !count)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the list: a pointer is NULL.");
    r = vd_check_disk(disk, err);
    if (r == 0)
        r = vd_check_enter(&view, disk, err);
    if (r != 0)
        return r;
    r = disk->read_only ? list_afresh(snapshots, count, disk) : list_image(snapshots, count, view->image);
    if (r < 0)
        vd_error_set(err, r, "Listing the snapshots of image %s failed: %s.",
                     vd_quote(&quoted, vdisk_uri_image(disk->uri)), strerror(-r));
    vd_handle_note_result(disk, r);
    vd_view_leave(view);
    return r;
}

void vdisk_snapshot_list_free(struct vdisk_snapshot *snapshots)
{
    free(snapshots);
}
