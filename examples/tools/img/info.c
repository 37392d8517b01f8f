/* SPDX-License-Identifier: MIT */
#include "img/info.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/size.h"
#include "common/text.h"
#include "common/tool.h"
#include "img/disk.h"
#include "img/json.h"

/* The user wants to know whether writing is possible at all. This command itself always opens read-only. */
static bool is_read_only(const struct vdisk_info *info)
{
    return info->snapshot != NULL;
}

static const char *cache_name(const struct vdisk_info *info)
{
    switch (info->cache_mode) {
    case VDISK_CACHE_WRITE_THROUGH:
        return "write-through";
    case VDISK_CACHE_WRITE_BACK:
        return "write-back";
    case VDISK_CACHE_WRITE_AROUND:
        return "write-around";
    default:
        return "none";
    }
}

static void add_parent(struct json_builder *builder, json_t *root, const struct vdisk_info *info)
{
    if (!info->parent_image) {
        json_add_text(builder, root, "parent", NULL);
        return;
    }
    json_t *parent = json_add_object(builder, root, "parent");
    json_add_text(builder, parent, "pool", info->parent_pool);
    json_add_text(builder, parent, "namespace", info->parent_name_space);
    json_add_text(builder, parent, "image", info->parent_image);
    json_add_text(builder, parent, "snapshot", info->parent_snapshot);
    json_add_text(builder, parent, "image_id", info->parent_image_id);
}

static int print_json(FILE *out, const struct vdisk_info *info, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    json_t *root = json_object();
    json_add_text(&builder, root, "pool", info->pool);
    json_add_text(&builder, root, "namespace", info->name_space);
    json_add_text(&builder, root, "image", info->image);
    json_add_text(&builder, root, "snapshot", info->snapshot);
    json_add_text(&builder, root, "image_id", info->image_id);
    if (info->snapshot)
        json_add_number(&builder, root, "snapshot_id", info->snapshot_id);
    else
        json_add_text(&builder, root, "snapshot_id", NULL);
    json_add_number(&builder, root, "size", info->size);
    json_add_number(&builder, root, "object_size", info->object_size);
    json_add_number(&builder, root, "stripe_unit", info->stripe_unit);
    json_add_number(&builder, root, "stripe_count", info->stripe_count);
    json_add_number(&builder, root, "features", info->features);
    json_add_bool(&builder, root, "read_only", is_read_only(info));
    json_add_text(&builder, root, "cache", cache_name(info));
    add_parent(&builder, root, info);
    return json_print(out, &builder, root);
}

static void print_size(FILE *out, const char *label, uint64_t size)
{
    struct size_text text;
    text_print_label(out, label);
    fprintf(out, "%" PRIu64 " bytes (%s)\n", size, size_format(&text, (double)size));
}

/* Prints the parent as a URI, which vdisk_uri_describe makes printable. */
static void print_parent(FILE *out, const struct vdisk_info *info)
{
    struct vdisk_uri *uri = NULL;
    char *text = NULL;
    if (info->parent_image && vdisk_uri_new(&uri, info->parent_pool, info->parent_name_space, info->parent_image,
                                            info->parent_snapshot, NULL) == 0)
        vdisk_uri_describe(&text, uri);
    if (text) {
        text_print_label(out, "parent:");
        fprintf(out, "%s\n", text);
    } else {
        text_print_line(out, "parent:", "");
    }
    vdisk_uri_free(uri);
    free(text);
}

static void print_plain(FILE *out, const struct vdisk_info *info)
{
    text_print_line(out, "pool:", info->pool);
    text_print_line(out, "namespace:", info->name_space);
    text_print_line(out, "image:", info->image);
    text_print_line(out, "snapshot:", info->snapshot ? info->snapshot : "");
    text_print_line(out, "image id:", info->image_id);
    print_size(out, "size:", info->size);
    print_size(out, "object size:", info->object_size);
    print_size(out, "stripe unit:", info->stripe_unit);
    text_print_label(out, "stripes:");
    fprintf(out, "%" PRIu64 "\n", info->stripe_count);
    text_print_label(out, "features:");
    fprintf(out, "0x%" PRIx64 "\n", info->features);
    text_print_line(out, "read-only:", is_read_only(info) ? "yes" : "no");
    text_print_line(out, "cache:", cache_name(info));
    print_parent(out, info);
}

static int print_info(struct vdisk *disk, const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk_info info;
    vdisk_info_init(&info, sizeof info);
    int result = vdisk_get_info(&info, disk, err);
    if (result < 0)
        return result;
    if (args->wants_json)
        return print_json(args->out, &info, err);
    print_plain(args->out, &info);
    return 0;
}

int img_info(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = disk_open_for_reading(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, print_info(disk, args, err), err);
}
