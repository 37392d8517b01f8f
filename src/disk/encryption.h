/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images whose contents are encrypted, behind a LUKS header that librbd reads and writes. With the encryption loaded,
 * librbd's offsets and sizes are those of the contents. But resizing, listing snapshots and listing differences use the
 * offsets and sizes of the image as it is stored (16.2.15).
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
 * Loads the encryption that the options name, for a view that nobody else uses, and refreshes the view's size. Does
 * nothing for VDISK_ENCRYPTION_NONE. `name` is the image's, for messages. Blocks for seconds, since deriving the key is
 * slow on purpose. Returns 0 or a negative errno with its message:
 *
 * -EKEYREJECTED  the passphrase is wrong
 * -EINVAL        the image is not encrypted, or not in this format
 */
int vd_encryption_load(struct vd_view *view, const struct vdisk_open_options *options, const char *name,
                       struct vdisk_error *err);

/*
 * Finds where the contents begin in the image, which librbd does not tell. `view` has the encryption loaded; `raw_size`
 * is its size from before that. Other clients may resize the image meanwhile. Blocks. Returns 0 or a negative errno;
 * -EAGAIN if the image's size keeps changing.
 */
int vd_encryption_find_data(uint64_t *data_offset, struct vd_view *view, rados_ioctx_t pool, const char *name,
                            uint64_t raw_size);

/* Formats an image that is open for writing with encryption. Blocks for seconds. Returns 0 or a negative errno. */
int vd_encryption_format(rbd_image_t image, uint32_t encryption, const struct vd_passphrase *passphrase);

/*
 * Copies the passphrase from `bytes`, or reads it from `file` unless that is NULL. The caller destroys it. Blocks while
 * it reads a file. Returns 0 or a negative errno with its message.
 */
int vd_encryption_passphrase(struct vd_passphrase *passphrase, const void *bytes, size_t size, const char *file,
                             struct vdisk_error *err);

#endif
