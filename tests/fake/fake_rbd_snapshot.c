/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists, creates, removes and protects snapshots, and rolls back to them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define CREATE_FLAGS (RBD_SNAP_CREATE_SKIP_QUIESCE | RBD_SNAP_CREATE_IGNORE_QUIESCE_ERROR)

/* Counts the names that rbd_snap_list has given out and rbd_snap_list_end has not freed. */
static size_t names_out;

static struct fake_handle *get_handle(rbd_image_t image)
{
    return fake_object_get(FAKE_HANDLE, image);
}

/* Listing. */

/* The array has one more entry, which has no name: rbd_snap_list_end stops there. */
static int list(const struct fake_header *header, rbd_snap_info_t *snapshots, int *max)
{
    int needed = (int)header->count + 1;

    if (*max < needed) {
        *max = needed;
        return -ERANGE;
    }
    for (size_t i = 0; i < header->count; i++) {
        const struct fake_snapshot *snapshot = &header->snapshots[i];

        snapshots[i] = (rbd_snap_info_t){snapshot->id, snapshot->size, fake_strdup(snapshot->name)};
    }
    snapshots[header->count] = (rbd_snap_info_t){0, 0, NULL};
    names_out += header->count;
    return (int)header->count;
}

int rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max_snaps)
{
    int r = fake_enter(FN_rbd_snap_list);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = list(fake_handle_header(handle), snapshots, max_snaps);
    return fake_leave(r);
}

void rbd_snap_list_end(rbd_snap_info_t *snapshots)
{
    fake_enter(FN_rbd_snap_list_end);
    for (; snapshots->name; snapshots++) {
        free((void *)(uintptr_t)snapshots->name);
        snapshots->name = NULL;
        names_out--;
    }
    fake_leave(0);
}

size_t fake_snapshot_names_open(struct fake_text *text)
{
    if (names_out > 0)
        fake_text_add(text, "%zu names from rbd_snap_list; ", names_out);
    return names_out;
}

/* Asking. */

int rbd_snap_is_protected(rbd_image_t image, const char *name, int *is_protected)
{
    int r = fake_enter(FN_rbd_snap_is_protected);
    const struct fake_snapshot *snapshot = fake_header_find(fake_handle_header(get_handle(image)), name);

    if (r == 0 && !snapshot)
        r = -ENOENT;
    if (r == 0)
        *is_protected = snapshot->is_protected;
    return fake_leave(r);
}

int rbd_snap_get_id(rbd_image_t image, const char *name, uint64_t *id)
{
    int r = fake_enter(FN_rbd_snap_get_id);
    const struct fake_snapshot *snapshot = fake_header_find(fake_handle_header(get_handle(image)), name);

    if (r == 0 && !snapshot)
        r = -ENOENT;
    if (r == 0)
        *id = snapshot->id;
    return fake_leave(r);
}

int rbd_snap_get_namespace_type(rbd_image_t image, uint64_t id, rbd_snap_namespace_type_t *type)
{
    int r = fake_enter(FN_rbd_snap_get_namespace_type);
    const struct fake_snapshot *snapshot = fake_header_find_id(fake_handle_header(get_handle(image)), id);

    if (r == 0 && !snapshot)
        r = -ENOENT;
    if (r == 0)
        *type = snapshot->type;
    return fake_leave(r);
}

/* Changing. */

static int create(struct fake_handle *handle, const char *name)
{
    int r = fake_handle_check_change(handle);

    if (r < 0)
        return r;
    if (fake_header_find(&handle->image->header, name))
        return -EEXIST;
    fake_snapshot_add(handle->image, name, RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_watch_fire(handle->image);
    return 0;
}

int rbd_snap_create(rbd_image_t image, const char *name)
{
    int r = fake_enter(FN_rbd_snap_create);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = create(handle, name);
    return fake_leave(r);
}

/* librbd first asks the other clients that have the image open to quiesce, and reports progress meanwhile. */
int rbd_snap_create2(rbd_image_t image, const char *name, uint32_t flags, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_snap_create2);
    struct fake_handle *handle = get_handle(image);

    if (r == 0 && flags & ~(uint32_t)CREATE_FLAGS)
        r = -EINVAL;
    if (r == 0 && !(flags & RBD_SNAP_CREATE_SKIP_QUIESCE))
        fake_progress(progress, argument, 1, 10);
    if (r == 0)
        r = create(handle, name);
    return fake_leave(r);
}

/*
 * librbd first notices that the snapshot is missing, as far as the handle knows, and then that nothing can be changed.
 */
static int find_to_change(struct fake_handle *handle, const char *name, struct fake_snapshot **snapshot)
{
    *snapshot = fake_header_find(fake_handle_header(handle), name);
    if (!*snapshot)
        return -ENOENT;
    return fake_handle_check_change(handle);
}

static int remove_snapshot(struct fake_handle *handle, const char *name, uint32_t flags)
{
    struct fake_snapshot *snapshot;
    int r = find_to_change(handle, name, &snapshot);

    if (r < 0)
        return r;
    if (snapshot->is_protected && !(flags & RBD_SNAP_REMOVE_UNPROTECT))
        return -EBUSY;
    if (fake_image_children(handle->image, snapshot->id, 0) > 0)
        fake_snapshot_to_trash(snapshot);
    else
        fake_snapshot_drop(handle->image, snapshot);
    fake_watch_fire(handle->image);
    return 0;
}

int rbd_snap_remove(rbd_image_t image, const char *name)
{
    int r = fake_enter(FN_rbd_snap_remove);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = remove_snapshot(handle, name, 0);
    return fake_leave(r);
}

/* librbd ignores unknown flags, and reports no progress where there are no clones. */
int rbd_snap_remove2(rbd_image_t image, const char *name, uint32_t flags, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_snap_remove2);
    struct fake_handle *handle = get_handle(image);

    (void)progress;
    (void)argument;
    if (r == 0)
        r = remove_snapshot(handle, name, flags);
    return fake_leave(r);
}

static int set_protected(struct fake_handle *handle, const char *name, bool wanted)
{
    struct fake_snapshot *snapshot;
    int r;

    if (handle->read_only)
        return -EROFS;
    r = find_to_change(handle, name, &snapshot);
    if (r < 0)
        return r;
    if (wanted && !(handle->image->features & RBD_FEATURE_LAYERING))
        return -ENOSYS;
    if (!wanted && fake_image_children(handle->image, snapshot->id, 1) > 0)
        return -EBUSY;
    if (snapshot->is_protected == wanted)
        return wanted ? -EBUSY : -EINVAL;
    snapshot->is_protected = wanted;
    fake_watch_fire(handle->image);
    return 0;
}

int rbd_snap_protect(rbd_image_t image, const char *name)
{
    int r = fake_enter(FN_rbd_snap_protect);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = set_protected(handle, name, true);
    return fake_leave(r);
}

int rbd_snap_unprotect(rbd_image_t image, const char *name)
{
    int r = fake_enter(FN_rbd_snap_unprotect);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = set_protected(handle, name, false);
    return fake_leave(r);
}

static int roll_back(struct fake_handle *handle, const char *name)
{
    struct fake_image *image = handle->image;
    struct fake_snapshot *snapshot;
    int r;

    if (fake_handle_is_fixed(handle))
        return -EROFS;
    r = find_to_change(handle, name, &snapshot);
    if (r < 0)
        return r;
    fake_store_drop(image->store);
    image->store = fake_store_clone(snapshot->store);
    image->header.size = snapshot->size;
    fake_watch_fire(image);
    return 0;
}

int rbd_snap_rollback(rbd_image_t image, const char *name)
{
    int r = fake_enter(FN_rbd_snap_rollback);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = roll_back(handle, name);
    return fake_leave(r);
}

int rbd_snap_rollback_with_progress(rbd_image_t image, const char *name, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_snap_rollback_with_progress);
    struct fake_handle *handle = get_handle(image);
    struct fake_snapshot *snapshot;

    if (r == 0 && !fake_handle_is_fixed(handle) && find_to_change(handle, name, &snapshot) == 0)
        fake_progress_over(progress, argument, fake_handle_objects(handle));
    if (r == 0)
        r = roll_back(handle, name);
    return fake_leave(r);
}
