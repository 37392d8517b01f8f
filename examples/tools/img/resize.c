/* SPDX-License-Identifier: MIT */
#include "img/resize.h"

#include <errno.h>
#include <inttypes.h>

#include "common/tool.h"
#include "img/disk.h"
#include "img/image_uri.h"
#include "img/operation.h"

static int start(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk, struct vdisk_error *err)
{
    uint32_t flags = VDISK_AIO_PROGRESS | (args->may_shrink ? VDISK_RESIZE_SHRINK : 0);
    return vdisk_aio_resize(queue, disk, args->size, flags, NULL, err);
}

static int resize(struct vdisk *disk, const struct img_args *args, struct vdisk_error *err)
{
    uint64_t size = vdisk_get_size(disk);
    /* The library refuses this too, but its message names a flag of its own instead of --shrink. */
    if (args->size < size && !args->may_shrink)
        return tool_fail(err, -EINVAL,
                         "Shrinking the image from %" PRIu64 " to %" PRIu64 " bytes loses data and needs --shrink.",
                         size, args->size);
    return operation_run(args, disk, start, err);
}

int img_resize(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    int result = image_uri_refuse_snapshot(args->uri, "resize", err);
    if (result == 0)
        result = disk_open_for_change(&disk, args, err);
    return result < 0 ? result : tool_close_disk(disk, resize(disk, args, err), err);
}
