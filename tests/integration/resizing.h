/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests of sizes share these helpers: they resize an image, here and from outside, and ask for its size. */
#ifndef RESIZING_H
#define RESIZING_H

#include "support.h"

/* Returns the size that `rbd info` tells. */
uint64_t size_for_rbd(const char *spec);
/* Resizes the disk, which must succeed and show in vdisk_get_size. */
void resize(struct vdisk *disk, uint64_t size, uint32_t flags);
/* Has `rbd resize` grow or shrink the image. */
void resize_from_outside(const char *spec, size_t size);
/* Writes to the disk, which must succeed. */
void write_at(struct vdisk *disk, const void *data, size_t size, uint64_t offset);

#endif
