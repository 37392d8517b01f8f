/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public structures start with `size_t struct_size`, so that later versions can add fields.
 */
#ifndef VD_STRUCTS_H
#define VD_STRUCTS_H

#include <stddef.h>

#include <vdisk/error.h>

/* Zeroes the caller's structure and records its size. */
void vd_struct_init(void *structure, size_t struct_size);

/*
 * Copies the caller's structure `from` to `to`, which has `known` bytes, the size in this version of libvdisk. Fields
 * that the caller's structure lacks become zero. If `from` is NULL, all fields become zero. `first` is the size in the
 * first release, and `name` is for the message.
 *
 * -EINVAL  struct_size is less than `first`, or far too large for any structure of libvdisk
 * -E2BIG   the caller's structure is longer than `known` bytes, and not all zero beyond them
 */
int vd_struct_read(void *to, size_t known, const void *from, size_t first, const char *name, struct vdisk_error *err);

#endif
