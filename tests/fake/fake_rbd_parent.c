/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements what an open image is tied to: its parent and its watchers. */
#include <errno.h>
#include <stdio.h>

#include "fake_internal.h"

static struct fake_handle *get_handle(rbd_image_t image)
{
    return fake_object_get(FAKE_HANDLE, image);
}

/* The parent. */

static int get_parent(const struct fake_image *child, rbd_linked_image_spec_t *image, rbd_snap_spec_t *snapshot)
{
    const struct fake_image *parent = child->parent;
    const struct fake_snapshot *found;

    if (!parent)
        return -ENOENT;
    found = fake_header_find_id(&parent->header, child->parent_snapshot);
    *image = (rbd_linked_image_spec_t){.pool_id = parent->pool->id,
                                       .pool_name = fake_string_give(parent->pool->name),
                                       .pool_namespace = fake_string_give(parent->name_space),
                                       .image_id = fake_string_give(parent->id),
                                       .image_name = fake_string_give(parent->name)};
    *snapshot =
        (rbd_snap_spec_t){.id = found->id, .namespace_type = found->type, .name = fake_string_give(found->name)};
    return 0;
}

int rbd_get_parent(rbd_image_t image, rbd_linked_image_spec_t *parent_image, rbd_snap_spec_t *parent_snapshot)
{
    int r = fake_enter(FN_rbd_get_parent);

    if (r == 0)
        r = get_parent(get_handle(image)->image, parent_image, parent_snapshot);
    return fake_leave(r);
}

int rbd_get_overlap(rbd_image_t image, uint64_t *overlap)
{
    int r = fake_enter(FN_rbd_get_overlap);

    if (r == 0)
        *overlap = get_handle(image)->image->overlap;
    return fake_leave(r);
}

int rbd_flatten_with_progress(rbd_image_t image, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_flatten_with_progress);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = fake_handle_is_fixed(handle) ? -EROFS : fake_handle_check_change(handle);
    if (r == 0 && !handle->image->parent)
        r = -EINVAL;
    if (r < 0)
        return fake_leave(r);
    fake_progress_over(progress, argument, fake_handle_objects(handle));
    fake_image_detach(handle->image);
    fake_watch_fire(handle->image);
    return fake_leave(0);
}

/* Watchers. */

static void add(rbd_image_watcher_t *watchers, size_t *count, size_t room, const char *address)
{
    if (*count < room)
        watchers[*count] = (rbd_image_watcher_t){
            .addr = fake_string_give(address), .id = (int64_t)*count + 4100, .cookie = *count + 1};
    (*count)++;
}

static void add_all(const struct fake_image *image, rbd_image_watcher_t *watchers, size_t *count, size_t room)
{
    const struct fake_handle *handle;
    char address[64];

    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        if (handle->image != image || handle->read_only || handle->object.closed)
            continue;
        fake_client_address(address, sizeof address, handle->ioctx->client);
        add(watchers, count, room, address);
    }
    for (unsigned int i = 0; i < image->frozen; i++) {
        snprintf(address, sizeof address, "192.0.2.%u:0/7", i + 1);
        add(watchers, count, room, address);
    }
}

int rbd_watchers_list(rbd_image_t image, rbd_image_watcher_t *watchers, size_t *max_watchers)
{
    int r = fake_enter(FN_rbd_watchers_list);
    const struct fake_handle *handle = get_handle(image);
    size_t count = 0, room = *max_watchers;

    if (r < 0)
        return fake_leave(r);
    add_all(handle->image, watchers, &count, 0);
    *max_watchers = count;
    if (count > room)
        return fake_leave(-ERANGE);
    count = 0;
    add_all(handle->image, watchers, &count, room);
    return fake_leave(0);
}
