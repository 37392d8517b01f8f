/* SPDX-License-Identifier: MIT */
/*
 * Says which part of the image to copy.
 */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

struct range {
    uint64_t offset;
    /* The length to copy if has_length is set; otherwise everything from the offset on. */
    uint64_t length;
    bool has_length;
};

/*
 * Sets *end to where the range ends in an image of `size` bytes. Returns 0, or a negative errno if the range is not
 * inside the image.
 */
int range_end(uint64_t *end, const struct range *range, uint64_t size, struct vdisk_error *err);

#endif
