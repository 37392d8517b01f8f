/* SPDX-License-Identifier: MIT */
#include "img/clone.h"

int img_clone(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk_uri *clone;
    int result = vdisk_uri_parse(&clone, args->argument, err);
    if (result < 0)
        return result;
    result = vdisk_clone(args->uri, clone, &args->create, &args->open.options, err);
    vdisk_uri_free(clone);
    return result;
}
