/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img map and diff: where the data is, and what has changed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/map.h"
#include "img/img.h"
#include "img/json.h"

static void add_json(struct json_builder *builder, json_t *root, const struct vdisk_extent *extent, bool changes)
{
    json_t *object = json_append_object(builder, root);
    bool is_data = extent->flags & VDISK_EXTENT_DATA;
    json_add_number(builder, object, "offset", extent->offset);
    json_add_number(builder, object, "length", extent->length);
    json_add_bool(builder, object, changes ? "exists" : "data", is_data);
    if (!changes)
        json_add_bool(builder, object, "zero", extent->flags & VDISK_EXTENT_ZERO);
}

static int print_json(FILE *out, struct map *map, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    const struct vdisk_extent *extent;
    json_t *root = json_array();
    int result;
    while ((result = map_next(&extent, map, err)) == 0 && extent)
        add_json(&builder, root, extent, map->changes);
    if (builder.result == 0)
        builder.result = result;
    return json_print(out, &builder, root);
}

static const char *kind(const struct vdisk_extent *extent)
{
    if (extent->flags & VDISK_EXTENT_DATA)
        return "data";
    return extent->flags & VDISK_EXTENT_ZERO ? "zero" : "parent";
}

static int print_plain(FILE *out, struct map *map, struct vdisk_error *err)
{
    const struct vdisk_extent *extent;
    int result;
    fprintf(out, "%20s %20s %s\n", "OFFSET", "LENGTH", "TYPE");
    while ((result = map_next(&extent, map, err)) == 0 && extent)
        fprintf(out, "%20" PRIu64 " %20" PRIu64 " %s\n", extent->offset, extent->length, kind(extent));
    return result;
}

static int show(struct img *img, bool changes, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    struct map map;
    img->target.open.flags = VDISK_OPEN_READ_ONLY;
    int result = vdisk_open(&disk, img->uri, &img->target.open, err);
    if (result < 0)
        return result;
    map_start(&map, disk);
    map.flags = img->leaves_out_parent ? 0 : VDISK_EXTENTS_PARENT;
    map.changes = changes;
    map.from = img->from;
    result = (img->wants_json ? print_json : print_plain)(img->out, &map, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

int img_map(struct img *img, struct vdisk_error *err)
{
    return show(img, false, err);
}

int img_diff(struct img *img, struct vdisk_error *err)
{
    return show(img, true, err);
}
