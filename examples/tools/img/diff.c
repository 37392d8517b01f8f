/* SPDX-License-Identifier: MIT */
#include "img/diff.h"

#include "common/tool.h"
#include "img/disk.h"
#include "img/extents.h"

static void add_kind(struct json_builder *builder, json_t *object, const struct vdisk_extent *extent)
{
    json_add_bool(builder, object, "exists", extent->flags & VDISK_EXTENT_DATA);
}

static int print_diff(struct vdisk *disk, const struct img_args *args, struct vdisk_error *err)
{
    struct extent_reader reader;
    extent_reader_init(&reader, disk);
    reader.reads_changes = true;
    reader.from = args->from;
    return extents_print(args, &reader, add_kind, err);
}

int img_diff(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = disk_open_for_reading(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, print_diff(disk, args, err), err);
}
