/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Images as a whole, by their URI, without opening them as a disk.
 */
#ifndef VDISK_IMAGE_H
#define VDISK_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define VDISK_OBJECT_SIZE_MIN 4096u
#define VDISK_OBJECT_SIZE_MAX 33554432u

struct vdisk_create_options {
    size_t struct_size;
    /*
     * Size of the RADOS objects the image is cut into: a power of two from VDISK_OBJECT_SIZE_MIN to
     * VDISK_OBJECT_SIZE_MAX. 0: as the cluster is configured (`rbd_default_order`, by itself 4 MiB).
     */
    uint64_t object_size;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. */
void vdisk_create_options_init(struct vdisk_create_options *options, size_t struct_size);

/*
 * Creates an image of `size` bytes that reads as zeroes. `create` and `connect` may be NULL for the defaults;
 * `connect` says how to reach the cluster, its flags must be 0. Blocks as vdisk_open does.
 *
 * -EINVAL  the URI names a snapshot, the object size is not valid, or as for vdisk_open
 * -EFBIG   `size` is more than INT64_MAX
 * -EEXIST  there is such an image already
 * and the errors of vdisk_open up to the namespace, and whatever else rbd_create4 reports
 */
int vdisk_create(const struct vdisk_uri *uri, uint64_t size, const struct vdisk_create_options *create,
                 const struct vdisk_open_options *connect, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
