/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images whose contents are encrypted, behind a LUKS header that librbd reads and writes. With the encryption loaded,
 * offsets and sizes are those of the contents; but resizing, listing of snapshots and differences go by the image as it
 * is stored (16.2.15).
 */
#ifndef VD_ENCRYPTION_H
#define VD_ENCRYPTION_H

#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>

#include "base/passphrase.h"
#include "disk/view.h"

/*
 * Loads the encryption of a view that nobody else uses, as the options say, and has it know its size anew; nothing for
 * VDISK_ENCRYPTION_NONE. `name` is for messages. Takes seconds: a passphrase is made hard to guess by that.
 *
 * -EKEYREJECTED  it is not this passphrase
 * -EINVAL        the image is not encrypted, or not in this way
 */
int vd_encryption_load(struct vd_view *view, const struct vdisk_open_options *options, const char *name,
                       struct vdisk_error *err);

/*
 * Finds where in the image the contents begin, of a view with the encryption loaded: librbd does not tell. `raw_size`
 * is what it was before. Others may be resizing the image meanwhile. Blocks. Returns 0 or a negative errno.
 */
int vd_encryption_find_data(uint64_t *data_offset, struct vd_view *view, rados_ioctx_t pool, const char *name,
                            uint64_t raw_size);

/* Encrypts an image that is open for writing. Takes seconds. Returns 0 or a negative errno. */
int vd_encryption_format(rbd_image_t image, uint32_t encryption, const struct vd_passphrase *passphrase);

/* The passphrase that the options give. 0, or a negative errno with its sentence. */
int vd_encryption_passphrase(struct vd_passphrase *passphrase, const void *bytes, size_t size, const char *file,
                             struct vdisk_error *err);

#endif
