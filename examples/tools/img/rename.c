/* SPDX-License-Identifier: MIT */
#include "img/rename.h"

#include "img/image_uri.h"

int img_rename(const struct img_args *args, struct vdisk_error *err)
{
    int result = image_uri_refuse_snapshot(args->uri, "rename", err);
    return result < 0 ? result : vdisk_rename(args->uri, args->argument, &args->open.options, err);
}
