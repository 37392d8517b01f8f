/* SPDX-License-Identifier: MIT */
#include "img/create.h"

#include "img/image_uri.h"

int img_create(const struct img_args *args, struct vdisk_error *err)
{
    struct vdisk_create_options create = args->create;
    struct vdisk_open_options open = args->open.options;
    int result = image_uri_refuse_snapshot(args->uri, "create", err);
    if (result < 0)
        return result;
    /* Here the options for encryption describe the new image, not an image to open. */
    create.encryption = open.encryption == VDISK_ENCRYPTION_LUKS ? VDISK_ENCRYPTION_LUKS2 : open.encryption;
    create.passphrase_file = open.passphrase_file;
    open.encryption = VDISK_ENCRYPTION_NONE;
    open.passphrase_file = NULL;
    return vdisk_create(args->uri, args->size, &create, &open, err);
}
