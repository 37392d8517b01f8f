/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public structures that start with `size_t struct_size`, so that they can grow.
 */
#ifndef VD_STRUCTS_H
#define VD_STRUCTS_H

#include <stddef.h>

#include <vdisk/error.h>

/* Zeroes the caller's structure and records its size. */
void vd_struct_init(void *structure, size_t struct_size);

/*
 * Copies the caller's structure `from` to `to`, which is as long as this libvdisk knows it: `known` bytes. What the
 * caller's does not have becomes zero. `from` may be NULL: all zero. `first` is the size in the first release, so
 * less is no structure of ours, nor is much more; `name` is for the message.
 */
int vd_struct_read(void *to, size_t known, const void *from, size_t first, const char *name, struct vdisk_error *err);

#endif
