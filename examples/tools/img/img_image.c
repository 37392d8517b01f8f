/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img create, info and resize.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/size.h"
#include "common/text.h"
#include "common/tool.h"
#include "img/img.h"
#include "img/json.h"

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
    int result = img_refuse_snapshot(img, "create", err);
    /* Of the new image, not of the way to it. */
    img->create.encryption = img->target.open.encryption;
    img->create.passphrase_file = img->target.open.passphrase_file;
    if (img->create.encryption == VDISK_ENCRYPTION_LUKS)
        img->create.encryption = VDISK_ENCRYPTION_LUKS2;
    img->target.open.encryption = VDISK_ENCRYPTION_NONE;
    img->target.open.passphrase_file = NULL;
    return result < 0 ? result : vdisk_create(img->uri, img->size, &img->create, &img->target.open, err);
}

static int start_resize(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk, struct vdisk_error *err)
{
    uint32_t flags = VDISK_AIO_PROGRESS | (img->may_shrink ? VDISK_RESIZE_SHRINK : 0);
    return vdisk_aio_resize(queue, disk, img->size, flags, NULL, err);
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
    return img_wait(img, disk, start_resize, err);
}

int img_resize(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = img_refuse_snapshot(img, "resize", err);
    img->target.open.flags = img->target.change_flags;
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

static int print_info_json(FILE *out, const struct vdisk_info *info, struct vdisk_error *err)
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

/* As a URI, escaped and printable already. */
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
    text_print_line(out, "cache:", cache_name(info));
    print_parent(out, info);
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
