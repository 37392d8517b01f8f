/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img create, info and resize.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "img.h"
#include "json.h"
#include "size.h"
#include "text.h"
#include "tool.h"

int img_refuse_snapshot(const struct img *img, const char *what, struct vdisk_error *err)
{
    struct text_quoted quoted;
    const char *snapshot = vdisk_uri_snapshot(img->uri);
    if (!snapshot)
        return 0;
    return tool_fail(err, -EINVAL, "The URI names snapshot %s, but %s needs an image.", text_quote(&quoted, snapshot),
                     what);
}

int img_create(struct img *img, struct vdisk_error *err)
{
    struct vdisk_create_options create;
    int result = img_refuse_snapshot(img, "create", err);
    if (result < 0)
        return result;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = img->object_size;
    return vdisk_create(img->uri, img->size, &create, &img->target.open, err);
}

static int resize(struct vdisk *disk, const struct img *img, struct vdisk_error *err)
{
    uint64_t size = vdisk_get_size(disk);
    /* The library refuses this too, in the words of its own interface. */
    if (img->size < size && !img->may_shrink)
        return tool_fail(err, -EINVAL,
                         "The image has %" PRIu64 " bytes, and making it smaller loses what is beyond %" PRIu64
                         ": that needs --shrink.",
                         size, img->size);
    return vdisk_resize(disk, img->size, img->may_shrink ? VDISK_RESIZE_SHRINK : 0, err);
}

int img_resize(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = img_refuse_snapshot(img, "resize", err);
    if (result == 0)
        result = vdisk_open(&disk, img->uri, &img->target.open, err);
    if (result < 0)
        return result;
    result = resize(disk, img, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

/* The open is always read-only; what the user asks is whether the thing itself can be written. */
static bool is_read_only(const struct vdisk_info *info)
{
    return info->snapshot != NULL;
}

static int print_info_json(FILE *out, const struct vdisk_info *info, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    json_t *root = json_object();
    json_add_text(&builder, root, "pool", info->pool);
    json_add_text(&builder, root, "namespace", info->name_space);
    json_add_text(&builder, root, "image", info->image);
    json_add_text(&builder, root, "snapshot", info->snapshot);
    json_add_text(&builder, root, "image_id", info->image_id);
    json_add_number(&builder, root, "size", info->size);
    json_add_number(&builder, root, "object_size", info->object_size);
    json_add_number(&builder, root, "stripe_unit", info->stripe_unit);
    json_add_number(&builder, root, "stripe_count", info->stripe_count);
    json_add_number(&builder, root, "features", info->features);
    json_add_bool(&builder, root, "read_only", is_read_only(info));
    return json_print(out, &builder, root);
}

static void print_size(FILE *out, const char *label, uint64_t size)
{
    struct size_text text;
    text_print_label(out, label);
    fprintf(out, "%" PRIu64 " bytes (%s)\n", size, size_format(&text, (double)size));
}

static void print_info(FILE *out, const struct vdisk_info *info)
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
}

static int show_info(struct vdisk *disk, const struct img *img, struct vdisk_error *err)
{
    struct vdisk_info info;
    vdisk_info_init(&info, sizeof info);
    int result = vdisk_get_info(&info, disk, err);
    if (result < 0)
        return result;
    if (img->wants_json)
        return print_info_json(img->out, &info, err);
    print_info(img->out, &info);
    return 0;
}

int img_info(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    img->target.open.flags = VDISK_OPEN_READ_ONLY;
    int result = vdisk_open(&disk, img->uri, &img->target.open, err);
    if (result < 0)
        return result;
    result = show_info(disk, img, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}
