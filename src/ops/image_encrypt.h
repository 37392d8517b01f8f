/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a new image an encrypted one.
 */
#ifndef VD_IMAGE_ENCRYPT_H
#define VD_IMAGE_ENCRYPT_H

#include <rados/librados.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/image.h>

#include "ops/image_op.h"

/* How much larger it has to be made at first: what no header is longer than. 0: it is not to be encrypted. */
uint64_t vd_image_encrypt_room(const struct vdisk_create_options *options);

/*
 * Encrypts the image of the operation, just made with that room, as the options say, and has `size` bytes left for its
 * contents. On failure the image is removed. Blocks.
 */
int vd_image_encrypt(struct vd_image_op *op, rados_ioctx_t pool, uint64_t size,
                     const struct vdisk_create_options *options, struct vdisk_error *err);

#endif
