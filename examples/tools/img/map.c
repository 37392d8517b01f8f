/* SPDX-License-Identifier: MIT */
#include "img/map.h"

#include "common/tool.h"
#include "img/disk.h"
#include "img/extents.h"

static void add_kind(struct json_builder *builder, json_t *object, const struct vdisk_extent *extent)
{
    json_add_bool(builder, object, "data", extent->flags & VDISK_EXTENT_DATA);
    json_add_bool(builder, object, "zero", extent->flags & VDISK_EXTENT_ZERO);
}

static int print_map(struct vdisk *disk, const struct img_args *args, struct vdisk_error *err)
{
    struct extent_reader reader;
    extent_reader_init(&reader, disk);
    return extents_print(args, &reader, add_kind, err);
}

int img_map(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = disk_open_for_reading(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, print_map(disk, args, err), err);
}
