/* SPDX-License-Identifier: MIT */
/*
 * Copying between a disk and the standard streams.
 */
#ifndef CAT_H
#define CAT_H

#include <stdbool.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

#include "common/progress.h"

/* What to copy. */
struct cat_range {
    uint64_t offset;
    /* Only with has_length; otherwise all there is. */
    uint64_t length;
    bool has_length;
};

/* The end of the range, in bytes from the start of an image of `size` bytes; an error when it is outside. */
int cat_range_end(uint64_t *end, const struct cat_range *range, uint64_t size, struct vdisk_error *err);

/* The disk to standard output, which it closes. */
int cat_read(struct vdisk *disk, const struct cat_range *range, struct progress *progress, struct vdisk_error *err);

/* Standard input to the disk, flushed. With a length, input beyond that is left unread; less of it is no error. */
int cat_write(struct vdisk *disk, const struct cat_range *range, struct progress *progress, struct vdisk_error *err);

#endif
