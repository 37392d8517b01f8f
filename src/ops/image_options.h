/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a new image is to be made, checked and copied.
 */
#ifndef VD_IMAGE_OPTIONS_H
#define VD_IMAGE_OPTIONS_H

#include <rbd/librbd.h>
#include <stdbool.h>

#include <vdisk/error.h>
#include <vdisk/image.h>

#include "base/passphrase.h"

struct vd_image_options {
    struct vdisk_create_options create;
    /* What `create` points to. */
    char *data_pool;
    struct vd_passphrase passphrase;
    char *passphrase_file;
};

/* Checks what the caller passed, NULL for the defaults, and copies it to *options, all zero before. */
int vd_image_options_init(struct vd_image_options *options, const struct vdisk_create_options *from,
                          struct vdisk_error *err);
/* Wipes the passphrase too. */
void vd_image_options_destroy(struct vd_image_options *options);

/* The same for librbd; to be destroyed, also on failure. Returns what librbd does. */
int vd_image_options_make(rbd_image_options_t *made, const struct vd_image_options *options, bool for_clone);

#endif
