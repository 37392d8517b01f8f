/* SPDX-License-Identifier: MIT */
#include "img/snapshot.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/disk.h"
#include "img/image_uri.h"
#include "img/json.h"
#include "img/operation.h"

static int open_image(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err)
{
    int result = image_uri_require_snapshot(args->uri, err);
    return result < 0 ? result : disk_open_without_snapshot(disk, args, err);
}

typedef int change_function(struct vdisk *disk, const char *snapshot, uint32_t flags, struct vdisk_error *err);

static int change(const struct img_args *args, change_function *change_snapshot, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = open_image(&disk, args, err);
    if (result < 0)
        return result;
    result = change_snapshot(disk, vdisk_uri_snapshot(args->uri), 0, err);
    return tool_close_disk(disk, result, err);
}

int img_snapshot_create(const struct img_args *args, struct vdisk_error *err)
{
    return change(args, vdisk_snapshot_create, err);
}

int img_snapshot_remove(const struct img_args *args, struct vdisk_error *err)
{
    return change(args, vdisk_snapshot_remove, err);
}

int img_snapshot_protect(const struct img_args *args, struct vdisk_error *err)
{
    return change(args, vdisk_snapshot_protect, err);
}

int img_snapshot_unprotect(const struct img_args *args, struct vdisk_error *err)
{
    return change(args, vdisk_snapshot_unprotect, err);
}

static int start_rollback(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk,
                          struct vdisk_error *err)
{
    return vdisk_aio_snapshot_rollback(queue, disk, vdisk_uri_snapshot(args->uri), VDISK_AIO_PROGRESS, NULL, err);
}

int img_snapshot_rollback(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = open_image(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, operation_run(args, disk, start_rollback, err), err);
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

/* The name is the last column, because it can contain blanks. */
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

static int list(struct vdisk *disk, const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk_snapshot *snapshots;
    size_t count;
    int result = vdisk_snapshot_list(&snapshots, &count, disk, err);
    if (result < 0)
        return result;
    if (args->wants_json)
        result = print_json(args->out, snapshots, count, err);
    else
        print_plain(args->out, snapshots, count);
    vdisk_snapshot_list_free(snapshots);
    return result;
}

int img_snapshot_list(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = image_uri_refuse_snapshot(args->uri, "snapshot list", err);
    if (result == 0)
        result = disk_open_for_reading(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, list(disk, args, err), err);
}
