/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a new image is to be like: the checked copy of a struct vdisk_create_options, for creating and cloning. How a
 * cluster is reached and an image is opened is in open_options.h and open_args.h.
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
    /* The copies that `create` points to. */
    char *data_pool;
    struct vd_passphrase passphrase;
    char *passphrase_file;
};

/*
 * Checks the caller's options, NULL for the defaults, and copies them to *options, which is all zero. Returns 0, or a
 * negative errno with a message in `err`. vd_image_options_destroy must follow in either case.
 */
int vd_image_options_init(struct vd_image_options *options, const struct vdisk_create_options *from,
                          struct vdisk_error *err);

/* Frees the copies and wipes the passphrase. */
void vd_image_options_destroy(struct vd_image_options *options);

/*
 * Makes the options that librbd takes, for a clone or for an image without a parent. The caller destroys *made by
 * rbd_image_options_destroy, also on failure. Returns what librbd returns.
 */
int vd_image_options_make(rbd_image_options_t *made, const struct vd_image_options *options, bool for_clone);

#endif
