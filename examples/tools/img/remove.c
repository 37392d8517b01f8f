/* SPDX-License-Identifier: MIT */
#include "img/remove.h"

#include "img/image_uri.h"
#include "img/operation.h"

static int start(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk, struct vdisk_error *err)
{
    (void)disk;
    return vdisk_aio_remove(queue, args->uri, &args->open.options, VDISK_AIO_PROGRESS, NULL, err);
}

int img_remove(const struct img_args *args, struct vdisk_error *err)
{
    int result = image_uri_refuse_snapshot(args->uri, "remove", err);
    return result < 0 ? result : operation_run(args, NULL, start, err);
}
