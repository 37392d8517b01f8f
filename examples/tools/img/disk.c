/* SPDX-License-Identifier: MIT */
#include "img/disk.h"

#include "img/image_uri.h"

static int open_disk(struct vdisk **disk, const struct img_args *args, const struct vdisk_uri *uri, uint32_t flags,
                     struct vdisk_error *err)
{
    struct vdisk_open_options options = args->open.options;
    options.flags = flags;
    return vdisk_open(disk, uri, &options, err);
}

int disk_open_for_reading(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err)
{
    return open_disk(disk, args, args->uri, VDISK_OPEN_READ_ONLY, err);
}

int disk_open_for_change(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err)
{
    return open_disk(disk, args, args->uri, args->open.write_flags, err);
}

int disk_open_without_snapshot(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk_uri *image;
    int result = image_uri_without_snapshot(&image, args->uri, err);
    if (result == 0)
        result = open_disk(disk, args, image, args->open.write_flags, err);
    vdisk_uri_free(image);
    return result;
}
