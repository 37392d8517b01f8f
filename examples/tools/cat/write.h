/* SPDX-License-Identifier: MIT */
/*
 * Copies standard input to a disk.
 */
#ifndef WRITE_H
#define WRITE_H

#include <vdisk/vdisk.h>

#include "cat/range.h"
#include "common/progress.h"

/*
 * Copies to the range and flushes the disk. Input that ends before the range does is no error. If the range has a
 * length, longer input stays unread; without a length it is an error. Returns 0 or a negative errno.
 */
int cat_write(struct vdisk *disk, const struct range *range, struct progress *progress, struct vdisk_error *err);

#endif
