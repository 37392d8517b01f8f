/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encrypts a new image: the last step of vdisk_create (image_create.c). disk/encryption.h loads the encryption of an
 * image when it is opened.
 */
#ifndef VD_IMAGE_ENCRYPT_H
#define VD_IMAGE_ENCRYPT_H

#include <rados/librados.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/image.h>

#include "ops/image_op.h"

/*
 * Returns how much larger than its contents the image must be created: no header is longer. 0: it is not to be
 * encrypted.
 */
uint64_t vd_image_encrypt_room(const struct vdisk_create_options *options);

/*
 * Encrypts the image that the operation has just created with that room, and makes it so long that `size` bytes are
 * left for its contents. Does nothing if the options choose no encryption. On failure, removes the image. Blocks.
 * Returns 0, or a negative errno with a message in `err`.
 */
int vd_image_encrypt(struct vd_image_op *op, rados_ioctx_t pool, uint64_t size,
                     const struct vdisk_create_options *options, struct vdisk_error *err);

#endif
