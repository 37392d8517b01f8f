/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/opening.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/process.h"
#include "disk/encryption.h"
#include "disk/image_config.h"
#include "disk/lock.h"
#include "disk/refresh.h"
#include "uri/place.h"

/* librbd 16 confines a compare-and-write to one sector of this size. */
#define SECTOR 512

static int read_layout(struct vdisk *disk, rbd_image_t image)
{
    rbd_image_info_t info;
    int r = rbd_stat(image, &info, sizeof info);

    if (r < 0)
        return r;
    disk->limits.layout.object_size = info.obj_size;
    r = rbd_get_stripe_unit(image, &disk->limits.layout.stripe_unit);
    if (r == 0)
        r = rbd_get_stripe_count(image, &disk->limits.layout.stripe_count);
    if (r == 0)
        r = rbd_get_features(image, &disk->limits.features);
    if (r == 0)
        r = vd_disk_read_id(disk->identity.image_id, image);
    if (r == 0 && vdisk_uri_snapshot(disk->identity.uri))
        r = rbd_snap_get_id(image, vdisk_uri_snapshot(disk->identity.uri), &disk->identity.snapshot_id);
    if (r == 0)
        r = vd_parent_read(&disk->identity.parent, image);
    return r;
}

/* Call it after read_layout, whose results it uses. */
static int read_limits(struct vdisk *disk, rbd_image_t image)
{
    struct vd_image_config config;
    int r = vd_image_config_read(&config, image);

    if (r < 0)
        return r;
    disk->limits.cache_mode = config.cache_mode;
    disk->limits.flushes = config.cache_mode == VDISK_CACHE_WRITE_BACK ? 2 : 1;
    disk->limits.copies_writes = config.copies_writes;
    disk->limits.discard_granularity = vd_layout_granularity(&disk->limits.layout, config.discard_granularity);
    if (!config.cache_keeps_data && disk->limits.layout.stripe_unit >= VD_COMPARE_STRIPE_UNIT_MIN)
        disk->limits.compare_and_write_boundary = SECTOR;
    return 0;
}

static int open_error(int code, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct vd_quoted image;
    struct vd_place place;

    return vd_error_set(err, code, "Opening image %s in %s failed: %s.", vd_quote(&image, vdisk_uri_image(uri)),
                        vd_place_describe(&place, uri), strerror(-code));
}

/* Loads the encryption that the options ask for, and sets data_offset. */
static int load_encryption(struct vdisk *disk, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    const char *name = vdisk_uri_image(disk->identity.uri);
    struct vd_view *view = vd_disk_view(disk);
    uint64_t raw_size = vd_view_size(view);
    int r = vd_encryption_load(view, options, name, err);

    if (r < 0 || options->encryption == VDISK_ENCRYPTION_NONE)
        return r;
    /* librbd does not notice a resize through a read-only opening, so the difference is right at once. */
    disk->limits.data_offset = raw_size - vd_view_size(view);
    if (disk->limits.read_only)
        return 0;
    r = vd_encryption_find_data(&disk->limits.data_offset, view, disk->pool, name, raw_size);
    return r < 0 ? open_error(r, disk->identity.uri, err) : 0;
}

static int prepare(struct vdisk *disk, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r = 0;

    /* The lock comes first: with it no other client changes the image. */
    if (options->flags & VDISK_OPEN_EXCLUSIVE)
        r = vd_lock_take(vd_disk_view(disk)->image, vdisk_uri_image(disk->identity.uri),
                         &(struct vd_lock_terms){.may_break = options->flags & VDISK_OPEN_BREAK_LOCK}, err);
    return r < 0 ? r : load_encryption(disk, options, err);
}

/* Does what remains once the image is open: reads what the disk needs to know, and starts to refresh it. */
static int start(struct vdisk *disk, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r = prepare(disk, options, err);

    if (r < 0)
        return r;
    r = read_layout(disk, vd_disk_view(disk)->image);
    if (r == 0)
        r = read_limits(disk, vd_disk_view(disk)->image);
    if (r == 0)
        r = vd_refresh_start(disk, options->size_poll_ms);
    return r < 0 ? open_error(r, disk->identity.uri, err) : 0;
}

/* Returns NULL if memory is out. */
static struct vdisk *new_disk(struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_uri *uri,
                              const struct vdisk_open_options *options)
{
    struct vdisk *disk = calloc(1, sizeof *disk);

    if (!disk)
        return NULL;
    disk->cluster = connection->cluster;
    disk->connection = connection;
    disk->pool = pool;
    disk->identity.uri = uri;
    disk->options = options;
    disk->limits.read_only = options->flags & VDISK_OPEN_READ_ONLY;
    disk->limits.io_timeout_ms = options->io_timeout_ms;
    vd_disk_init(disk);
    return disk;
}

/* Frees a disk that did not open. The caller keeps the URI. */
static void free_unopened(struct vdisk *disk)
{
    disk->identity.uri = NULL;
    vd_disk_free(disk);
}

static int open_view(struct vdisk *disk, struct vdisk_error *err)
{
    const struct vdisk_uri *uri = disk->identity.uri;
    struct vd_view *view;
    int r = vd_view_open(&view, disk->pool, vdisk_uri_image(uri), vdisk_uri_snapshot(uri), disk->limits.read_only);

    if (r < 0)
        return r == -ENOENT ? vd_view_missing_error(uri, disk->pool, err) : open_error(r, uri, err);
    atomic_init(&disk->view, view);
    return 0;
}

int vd_opening_open(struct vdisk **disk, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_uri *uri,
                    const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct vdisk *new = new_disk(connection, pool, uri, options);
    int r;

    *disk = NULL;
    if (!new)
        return vd_error_set(err, -ENOMEM, "Out of memory for a disk.");
    r = open_view(new, err);
    if (r < 0) {
        free_unopened(new);
        return r;
    }
    r = start(new, options, err);
    if (r < 0) {
        vd_refresh_stop(new);
        vd_disk_close_views(new);
        vd_view_free(vd_disk_view(new));
        vd_refresh_end(new);
        free_unopened(new);
        return r;
    }
    *disk = new;
    return 0;
}

/* Makes vd_disk_get fail from now on, and waits until the last user calls vd_disk_put. */
static void wait_for_references(struct vdisk *disk)
{
    if (vd_gate_close(&disk->users.references))
        return;
    while (sem_wait(&disk->users.unreferenced) < 0)
        assert(errno == EINTR);
}

void vd_opening_empty_view(struct vdisk *disk)
{
    struct vd_view *view = vd_disk_view(disk);

    /* A reopening that failed halfway has done all this before. */
    if (view->is_over)
        return;
    vd_refresh_keep_view(disk);
    /* Read it again: until now a background job could replace it. */
    view = vd_disk_view(disk);
    vd_view_retire(view);
    /* Requests that an untracked write blocks are refused now. Otherwise they would stay in the view for ever. */
    vd_disk_unblock(disk);
    vd_view_wait_empty(view);
    vd_refresh_stop(disk);
}

int vd_opening_close(struct vdisk *disk, const char **step)
{
    struct vd_view *view;
    int r, closed;

    vd_disk_refuse(disk, VD_REFUSE_CLOSING);
    wait_for_references(disk);
    vd_opening_empty_view(disk);
    view = vd_disk_view(disk);

    *step = "Flushing";
    if (!view->closed)
        vd_disk_flush_writes(disk, view->image);
    r = vd_flush_state_error(&disk->flush_state);
    closed = vd_disk_close_views(disk);
    vd_view_free(view);
    vd_refresh_end(disk);
    vd_subscribers_end(&disk->refresh.subscribers, -ESHUTDOWN);
    if (r < 0)
        return r;
    *step = "Closing";
    if (closed == 0 && vd_write_barrier_untracked(&disk->write_barrier) > 0)
        closed = -ETIMEDOUT;
    return closed;
}
