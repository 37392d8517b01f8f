/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img snapshot: the URI names the snapshot, the work is done on its image.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/img.h"
#include "img/json.h"

static int copy_options(struct vdisk_uri *to, const struct vdisk_uri *from, struct vdisk_error *err)
{
    const char *key;
    const char *value;
    int result = 0;
    for (size_t i = 0; result == 0 && vdisk_uri_option(&key, &value, from, i) == 0; i++)
        result = vdisk_uri_add_option(to, key, value, err);
    return result;
}

/* Opens the image without its snapshot. */
static int open_image(struct vdisk **disk, const struct img *img, struct vdisk_error *err)
{
    struct vdisk_uri *image;
    int result = vdisk_uri_new(&image, vdisk_uri_pool(img->uri), vdisk_uri_namespace(img->uri),
                               vdisk_uri_image(img->uri), NULL, err);
    if (result == 0)
        result = copy_options(image, img->uri, err);
    if (result == 0) {
        struct vdisk_open_options open = img->target.open;
        open.flags = img->target.change_flags;
        result = vdisk_open(disk, image, &open, err);
    }
    vdisk_uri_free(image);
    return result;
}

typedef int change_function(struct vdisk *, const char *, uint32_t, struct vdisk_error *);

static int open_for_change(struct vdisk **disk, const struct img *img, struct vdisk_error *err)
{
    if (!vdisk_uri_snapshot(img->uri))
        return tool_fail(err, -EINVAL, "The URI names no snapshot; write it as rbd:POOL/IMAGE@SNAPSHOT.");
    return open_image(disk, img, err);
}

static int change(const struct img *img, change_function *change_snapshot, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = open_for_change(&disk, img, err);
    if (result < 0)
        return result;
    result = change_snapshot(disk, vdisk_uri_snapshot(img->uri), 0, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

int img_snapshot_create(struct img *img, struct vdisk_error *err)
{
    return change(img, vdisk_snapshot_create, err);
}

int img_snapshot_remove(struct img *img, struct vdisk_error *err)
{
    return change(img, vdisk_snapshot_remove, err);
}

static int start_rollback(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk, struct vdisk_error *err)
{
    return vdisk_aio_snapshot_rollback(queue, disk, vdisk_uri_snapshot(img->uri), VDISK_AIO_PROGRESS, NULL, err);
}

int img_snapshot_rollback(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = open_for_change(&disk, img, err);
    if (result < 0)
        return result;
    result = img_wait(img, disk, start_rollback, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

int img_snapshot_protect(struct img *img, struct vdisk_error *err)
{
    return change(img, vdisk_snapshot_protect, err);
}

int img_snapshot_unprotect(struct img *img, struct vdisk_error *err)
{
    return change(img, vdisk_snapshot_unprotect, err);
}

static int print_json(FILE *out, const struct vdisk_snapshot *snapshots, size_t count, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    json_t *root = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *snapshot = json_append_object(&builder, root);
        json_add_number(&builder, snapshot, "id", snapshots[i].id);
        json_add_text(&builder, snapshot, "name", snapshots[i].name);
        json_add_number(&builder, snapshot, "size", snapshots[i].size);
        json_add_bool(&builder, snapshot, "protected", snapshots[i].is_protected != 0);
    }
    return json_print(out, &builder, root);
}

/* The name comes last: it can hold blanks. */
static void print_plain(FILE *out, const struct vdisk_snapshot *snapshots, size_t count)
{
    fprintf(out, "%6s %20s %-9s %s\n", "ID", "SIZE", "PROTECTED", "NAME");
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "%6" PRIu64 " %20" PRIu64 " %-9s ", snapshots[i].id, snapshots[i].size,
                snapshots[i].is_protected ? "yes" : "no");
        text_print(out, snapshots[i].name);
        fputc('\n', out);
    }
}

static int show_list(struct vdisk *disk, const struct img *img, struct vdisk_error *err)
{
    struct vdisk_snapshot *snapshots;
    size_t count;
    int result = vdisk_snapshot_list(&snapshots, &count, disk, err);
    if (result < 0)
        return result;
    if (img->wants_json)
        result = print_json(img->out, snapshots, count, err);
    else
        print_plain(img->out, snapshots, count);
    vdisk_snapshot_list_free(snapshots);
    return result;
}

int img_snapshot_list(struct img *img, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = img_refuse_snapshot(img, "snapshot list", err);
    img->target.open.flags = VDISK_OPEN_READ_ONLY;
    if (result == 0)
        result = vdisk_open(&disk, img->uri, &img->target.open, err);
    if (result < 0)
        return result;
    result = show_list(disk, img, err);
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}
