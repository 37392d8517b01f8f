/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens, closes, inspects, resizes and flushes images. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_internal.h"

void rbd_version(int *major, int *minor, int *extra)
{
    fake_enter(FN_rbd_version);
    *major = LIBRBD_VER_MAJOR;
    *minor = LIBRBD_VER_MINOR;
    *extra = LIBRBD_VER_EXTRA;
    fake_leave(0);
}

/* Handles. */

static struct fake_handle *get_handle(rbd_image_t image)
{
    return fake_object_get(FAKE_HANDLE, image);
}

struct fake_header *fake_handle_header(struct fake_handle *handle)
{
    return handle->read_only ? &handle->stale : &handle->image->header;
}

uint64_t fake_handle_raw_size(struct fake_handle *handle)
{
    return handle->snapshot ? handle->snapshot_size : fake_handle_header(handle)->size;
}

/* This overflows, as in the real librbd, when an encrypted image is smaller than the header of its encryption. */
uint64_t fake_handle_size(struct fake_handle *handle)
{
    return fake_handle_raw_size(handle) - handle->data_offset;
}

uint64_t fake_handle_objects(struct fake_handle *handle)
{
    uint64_t size = fake_handle_size(handle), object_size = UINT64_C(1) << handle->image->order;

    return size / object_size + (size % object_size > 0);
}

bool fake_handle_is_fixed(const struct fake_handle *handle)
{
    return handle->read_only || handle->snapshot;
}

bool fake_handle_is_fenced(const struct fake_handle *handle)
{
    return handle->ioctx->client->fenced;
}

int fake_handle_check_change(const struct fake_handle *handle)
{
    if (handle->read_only)
        return -EROFS;
    if (fake_handle_is_fenced(handle))
        return -ESHUTDOWN;
    if (handle->image->removed)
        return -ENOENT;
    fake_lock_take(handle);
    return 0;
}

void fake_handle_free(struct fake_handle *handle)
{
    fake_store_drop(handle->snapshot);
    fake_header_free(&handle->stale);
}

/* Opening. */

static struct fake_handle *new_handle(struct fake_ioctx *ioctx, struct fake_image *image, const char *snapshot)
{
    struct fake_handle *handle;
    char name[256];

    snprintf(name, sizeof name, "%.60s/%.60s/%.60s%s%.60s", image->pool->name, image->name_space, image->name,
             snapshot ? "@" : "", snapshot ? snapshot : "");
    handle = fake_object_new(FAKE_HANDLE, sizeof *handle, name);
    handle->ioctx = ioctx;
    handle->image = image;
    handle->full_try = ioctx->full_try;
    handle->copies_writes = fake_config_number(&ioctx->client->config, "rbd_disable_zero_copy_writes");
    TAILQ_INIT(&handle->flight);
    TAILQ_INIT(&handle->ready);
    LIST_INIT(&handle->watches);
    ioctx->images++;
    return handle;
}

static void set_snapshot(struct fake_handle *handle, const struct fake_snapshot *snapshot)
{
    if (!snapshot)
        return;
    handle->snapshot = fake_store_keep(snapshot->store);
    handle->snapshot_size = snapshot->size;
    handle->snapshot_id = snapshot->id;
    handle->snapshot_flags = snapshot->flags;
}

static void set_access(struct fake_handle *handle, bool read_only)
{
    handle->read_only = read_only;
    if (read_only)
        handle->stale = fake_header_copy(&handle->image->header);
    else
        handle->image->writers++;
}

static int open_image(struct fake_ioctx *ioctx, const char *name, const char *snapshot_name, bool read_only,
                      rbd_image_t *result)
{
    struct fake_image *image = fake_image_find(ioctx->pool, ioctx->name_space, name);
    const struct fake_snapshot *snapshot = NULL;
    struct fake_handle *handle;

    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!image)
        return -ENOENT;
    if (snapshot_name && !snapshot_name[0])
        snapshot_name = NULL;
    if (snapshot_name)
        snapshot = fake_header_find(&image->header, snapshot_name);
    if (snapshot_name && !snapshot)
        return -ENOENT;
    handle = new_handle(ioctx, image, snapshot_name);
    set_snapshot(handle, snapshot);
    set_access(handle, read_only);
    fake_engine_open(handle);
    *result = handle;
    return 0;
}

int rbd_open(rados_ioctx_t io, const char *name, rbd_image_t *image, const char *snapshot)
{
    int r = fake_enter(FN_rbd_open);
    struct fake_ioctx *ioctx = fake_object_get(FAKE_IOCTX, io);

    if (r == 0)
        r = open_image(ioctx, name, snapshot, false, image);
    return fake_leave(r);
}

int rbd_open_read_only(rados_ioctx_t io, const char *name, rbd_image_t *image, const char *snapshot)
{
    int r = fake_enter(FN_rbd_open_read_only);
    struct fake_ioctx *ioctx = fake_object_get(FAKE_IOCTX, io);

    if (r == 0)
        r = open_image(ioctx, name, snapshot, true, image);
    return fake_leave(r);
}

/* Closing. A close is final even when it fails. */

static void note_unflushed(const struct fake_handle *handle)
{
    if (handle->landed > handle->flushed)
        handle->image->closed_unflushed = true;
}

int rbd_close(rbd_image_t image)
{
    int r = fake_enter(FN_rbd_close);
    struct fake_handle *handle = get_handle(image);

    /* The handle is marked first, so that its use from now on is noticed. */
    fake_object_close(&handle->object);
    fake_watch_remove_all(handle);
    fake_engine_close(handle);
    note_unflushed(handle);
    if (!fake_handle_is_fixed(handle))
        fake_effect_flush(handle, UINT64_MAX);
    if (!handle->read_only)
        handle->image->writers--;
    fake_lock_close(handle);
    handle->ioctx->images--;
    return fake_leave(r);
}

/* Asking. */

int rbd_stat(rbd_image_t image, rbd_image_info_t *info, size_t info_size)
{
    int r = fake_enter(FN_rbd_stat);
    struct fake_handle *handle = get_handle(image);

    if (info_size != sizeof *info)
        fake_abort("an info of %zu bytes, not %zu", info_size, sizeof *info);
    if (r < 0)
        return fake_leave(r);
    *info = (rbd_image_info_t){.size = fake_handle_size(handle),
                               .obj_size = UINT64_C(1) << handle->image->order,
                               .order = handle->image->order,
                               .parent_pool = -1};
    info->num_objs = fake_handle_objects(handle);
    snprintf(info->block_name_prefix, sizeof info->block_name_prefix, "rbd_data.%.14s", handle->image->id);
    return fake_leave(0);
}

int rbd_get_size(rbd_image_t image, uint64_t *size)
{
    int r = fake_enter(FN_rbd_get_size);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        *size = fake_handle_size(handle);
    return fake_leave(r);
}

/* Returns the feature bit that librbd sets while the image has something that older clients do not understand. */
static uint64_t operations(const struct fake_image *image)
{
    bool is_clone = image->parent && image->clone_format == 2;

    for (size_t i = 0; i < image->header.count; i++)
        is_clone |= fake_image_children(image, image->header.snapshots[i].id, 2) > 0;
    return is_clone ? RBD_FEATURE_OPERATIONS : 0;
}

int rbd_get_features(rbd_image_t image, uint64_t *features)
{
    int r = fake_enter(FN_rbd_get_features);
    const struct fake_handle *handle = get_handle(image);

    if (r == 0)
        *features = handle->image->features | operations(handle->image);
    return fake_leave(r);
}

int rbd_get_flags(rbd_image_t image, uint64_t *flags)
{
    int r = fake_enter(FN_rbd_get_flags);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        *flags = handle->snapshot ? handle->snapshot_flags : fake_handle_header(handle)->flags;
    return fake_leave(r);
}

int rbd_get_stripe_unit(rbd_image_t image, uint64_t *stripe_unit)
{
    int r = fake_enter(FN_rbd_get_stripe_unit);
    const struct fake_handle *handle = get_handle(image);

    if (r == 0)
        *stripe_unit = handle->image->stripe_unit;
    return fake_leave(r);
}

int rbd_get_stripe_count(rbd_image_t image, uint64_t *stripe_count)
{
    int r = fake_enter(FN_rbd_get_stripe_count);
    const struct fake_handle *handle = get_handle(image);

    if (r == 0)
        *stripe_count = handle->image->stripe_count;
    return fake_leave(r);
}

int rbd_get_id(rbd_image_t image, char *id, size_t size)
{
    int r = fake_enter(FN_rbd_get_id);
    const struct fake_handle *handle = get_handle(image);
    size_t needed = strlen(handle->image->id) + 1;

    if (r == 0 && size < needed)
        r = -ERANGE;
    if (r == 0)
        memcpy(id, handle->image->id, needed);
    return fake_leave(r);
}

/* Changing. */

static int resize(struct fake_handle *handle, uint64_t size, bool allow_shrink, librbd_progress_fn_t progress,
                  void *argument)
{
    uint64_t old_size = fake_handle_raw_size(handle);
    int r = handle->snapshot ? -EROFS : fake_handle_check_change(handle);

    if (r < 0)
        return r;
    if (size < old_size && !allow_shrink)
        return -EINVAL;
    if (size < old_size)
        fake_progress(progress, argument, 0, 1);
    fake_image_set_size(handle->image, size);
    fake_watch_fire(handle->image);
    return 0;
}

int rbd_resize2(rbd_image_t image, uint64_t size, bool allow_shrink, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_resize2);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = resize(handle, size, allow_shrink, progress, argument);
    return fake_leave(r);
}

int rbd_flush(rbd_image_t image)
{
    int r = fake_enter(FN_rbd_flush);
    struct fake_handle *handle = get_handle(image);

    if (r == 0)
        r = fake_engine_flush(handle);
    return fake_leave(r);
}

int rbd_invalidate_cache(rbd_image_t image)
{
    int r = fake_enter(FN_rbd_invalidate_cache);

    get_handle(image);
    return fake_leave(r);
}
