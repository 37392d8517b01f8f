/* SPDX-License-Identifier: MIT */
#include "img/flatten.h"

#include "common/tool.h"
#include "img/disk.h"
#include "img/image_uri.h"
#include "img/operation.h"

static int start(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk, struct vdisk_error *err)
{
    (void)args;
    return vdisk_aio_flatten(queue, disk, VDISK_AIO_PROGRESS, NULL, err);
}

int img_flatten(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = image_uri_refuse_snapshot(args->uri, "flatten", err);
    if (result == 0)
        result = disk_open_for_change(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, operation_run(args, disk, start, err), err);
}
