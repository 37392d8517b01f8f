/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "check.h"
#include "error.h"
#include "handle.h"
#include "open_options.h"
#include "process.h"
#include "structs.h"
#include "sync.h"
#include "target.h"

/* The first release's size of the structure. */
#define INFO_FIRST (offsetof(struct vdisk_info, unsettled_writes) + sizeof(uint32_t))

/* Opening. */

static int copy_names(struct vdisk_uri **names, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    return vdisk_uri_new(names, vdisk_uri_pool(uri), vdisk_uri_namespace(uri), vdisk_uri_image(uri),
                         vdisk_uri_snapshot(uri), err);
}

static int connect_and_open(struct vdisk **disk, struct vd_cluster *cluster, const struct vd_target *target,
                            struct vdisk_error *err)
{
    const struct vdisk_open_options *options = &target->options;
    const struct vdisk_uri *uri = target->uri;
    struct vd_connection *connection = NULL;
    rados_ioctx_t pool = NULL;
    struct vdisk_uri *names;
    int r;

    r = copy_names(&names, uri, err);
    if (r < 0)
        return r;
    r = vd_connection_open_for_disk(&connection, &pool, cluster, uri, options, err);
    if (r == 0)
        r = vd_handle_open(disk, connection, pool, names, options, err);
    if (r == 0)
        return 0;
    if (pool)
        rados_ioctx_destroy(pool);
    if (connection && r == -ESHUTDOWN)
        vd_connection_retire(connection);
    vd_connection_release_by_disk(connection);
    vdisk_uri_free(names);
    return r;
}

static int check_access(const struct vd_target *target, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (!vdisk_uri_snapshot(target->uri) || target->options.flags & VDISK_OPEN_READ_ONLY)
        return 0;
    return vd_error_set(err, -EROFS, "Snapshot %s can only be opened read-only: give VDISK_OPEN_READ_ONLY.",
                        vd_quote(&quoted, vdisk_uri_snapshot(target->uri)));
}

/* The target is the disk's on success. */
static int open_target(struct vdisk **disk, struct vd_target *target, const struct vdisk_uri *uri,
                       const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct vd_cluster *cluster;
    sigset_t signals;
    int r = vd_target_init(target, &cluster, uri, options, VDISK_OPEN_READ_ONLY, err);

    if (r == 0)
        r = check_access(target, err);
    if (r == 0) {
        vd_signals_block(&signals);
        r = connect_and_open(disk, cluster, target, err);
        vd_signals_restore(&signals);
    }
    vd_cluster_put(cluster);
    if (r == 0)
        (*disk)->target = target;
    return r;
}

int vdisk_open(struct vdisk **disk, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
               struct vdisk_error *err)
{
    struct vd_target *target;
    int r;

    vd_error_clear(err);
    if (!disk)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the disk: the pointer is NULL.");
    *disk = NULL;
    target = calloc(1, sizeof *target);
    if (!target)
        return vd_error_set(err, -ENOMEM, "Out of memory for the options.");
    r = open_target(disk, target, uri, options, err);
    if (r < 0)
        vd_target_free(target);
    return r;
}

int vdisk_open_uri(struct vdisk **disk, const char *uri, const struct vdisk_open_options *options,
                   struct vdisk_error *err)
{
    struct vdisk_uri *parsed;
    int r;

    if (disk)
        *disk = NULL;
    r = vdisk_uri_parse(&parsed, uri, err);
    if (r < 0)
        return r;
    r = vdisk_open(disk, parsed, options, err);
    vdisk_uri_free(parsed);
    return r;
}

/* Losses. */

int vdisk_acknowledge_loss(struct vdisk *disk, struct vdisk_error *err)
{
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r == 0)
        vd_writes_acknowledge(&disk->writes);
    return r;
}

/* What it is. */

void vdisk_info_init(struct vdisk_info *info, size_t struct_size)
{
    vd_struct_init(info, struct_size);
}

static void fill_parent(struct vdisk_info *info, const struct vdisk *disk)
{
    if (!vd_parent_exists(&disk->parent))
        return;
    info->parent_pool = disk->parent.image.pool_name;
    info->parent_name_space = disk->parent.image.pool_namespace;
    info->parent_image = disk->parent.image.image_name;
    info->parent_image_id = disk->parent.image.image_id;
    info->parent_snapshot = vd_parent_snapshot(&disk->parent);
}

int vdisk_get_info(struct vdisk_info *info, struct vdisk *disk, struct vdisk_error *err)
{
    struct vdisk_info full;
    size_t struct_size;
    int r;

    vd_error_clear(err);
    if (!info)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the information: the pointer is NULL.");
    r = vd_check_disk(disk, err);
    if (r == 0)
        r = vd_struct_read(&full, sizeof full, info, INFO_FIRST, "vdisk_info", err);
    if (r != 0)
        return r;
    struct_size = full.struct_size;
    full = (struct vdisk_info){
        .struct_size = struct_size,
        .size = vd_handle_size(disk),
        .object_size = disk->layout.object_size,
        .stripe_unit = disk->layout.stripe_unit,
        .stripe_count = disk->layout.stripe_count,
        .features = disk->features,
        .max_request = VDISK_MAX_REQUEST,
        .optimal_io = disk->layout.stripe_unit,
        .max_discard = VDISK_MAX_DISCARD,
        .max_write_zeroes = VDISK_MAX_WRITE_ZEROES,
        .discard_granularity = disk->discard_granularity,
        .compare_and_write_boundary = disk->compare_and_write_boundary,
        .pool = vdisk_uri_pool(disk->uri),
        .name_space = vdisk_uri_namespace(disk->uri),
        .image = vdisk_uri_image(disk->uri),
        .snapshot = vdisk_uri_snapshot(disk->uri),
        .image_id = disk->image_id,
        .read_only = disk->read_only,
        .detached_requests = atomic_load_explicit(&disk->detached, memory_order_relaxed),
        .unsettled_writes = vd_unsettled_writes(&disk->unsettled),
        .snapshot_id = disk->snapshot_id,
        .cache_mode = disk->cache_mode,
    };
    fill_parent(&full, disk);
    memcpy(info, &full, struct_size < sizeof full ? struct_size : sizeof full);
    return 0;
}

uint64_t vdisk_get_size(const struct vdisk *disk)
{
    return disk ? vd_handle_size(disk) : 0;
}
