/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <vdisk/disk.h>
#include <vdisk/queue.h>

#include "base/error.h"
#include "base/structs.h"
#include "disk/check.h"
#include "disk/disk.h"

/* The size that the structure had in the first release. */
#define INFO_FIRST (offsetof(struct vdisk_info, indeterminate_writes) + sizeof(uint32_t))

int vdisk_acknowledge_loss(struct vdisk *disk, struct vdisk_error *err)
{
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r == 0)
        vd_flush_state_acknowledge(&disk->flush_state);
    return r;
}

void vdisk_info_init(struct vdisk_info *info, size_t struct_size)
{
    vd_struct_init(info, struct_size);
}

static void fill_parent(struct vdisk_info *info, const struct vdisk *disk)
{
    if (!vd_parent_exists(&disk->identity.parent))
        return;
    info->parent_pool = disk->identity.parent.image.pool_name;
    info->parent_name_space = disk->identity.parent.image.pool_namespace;
    info->parent_image = disk->identity.parent.image.image_name;
    info->parent_image_id = disk->identity.parent.image.image_id;
    info->parent_snapshot = vd_parent_snapshot(&disk->identity.parent);
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
        .size = vd_disk_size(disk),
        .object_size = disk->limits.layout.object_size,
        .stripe_unit = disk->limits.layout.stripe_unit,
        .stripe_count = disk->limits.layout.stripe_count,
        .features = disk->limits.features,
        .max_request = VDISK_MAX_REQUEST,
        .optimal_io = disk->limits.layout.stripe_unit,
        .max_discard = VDISK_MAX_DISCARD,
        .max_write_zeroes = VDISK_MAX_WRITE_ZEROES,
        .discard_granularity = disk->limits.discard_granularity,
        .compare_and_write_boundary = disk->limits.compare_and_write_boundary,
        .pool = vdisk_uri_pool(disk->identity.uri),
        .name_space = vdisk_uri_namespace(disk->identity.uri),
        .image = vdisk_uri_image(disk->identity.uri),
        .snapshot = vdisk_uri_snapshot(disk->identity.uri),
        .image_id = disk->identity.image_id,
        .read_only = disk->limits.read_only,
        .detached_requests = atomic_load_explicit(&disk->detached.requests, memory_order_relaxed),
        .indeterminate_writes = vd_write_barrier_writes(&disk->write_barrier),
        .snapshot_id = disk->identity.snapshot_id,
        .cache_mode = disk->limits.cache_mode,
    };
    fill_parent(&full, disk);
    memcpy(info, &full, struct_size < sizeof full ? struct_size : sizeof full);
    return 0;
}

uint64_t vdisk_get_size(const struct vdisk *disk)
{
    return disk ? vd_disk_size(disk) : 0;
}
