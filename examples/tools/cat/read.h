/* SPDX-License-Identifier: MIT */
/*
 * Copies a disk to standard output.
 */
#ifndef READ_H
#define READ_H

#include <vdisk/vdisk.h>

#include "cat/range.h"
#include "common/progress.h"

/* Copies the range and closes standard output. Returns 0 or a negative errno. */
int cat_read(struct vdisk *disk, const struct range *range, struct progress *progress, struct vdisk_error *err);

#endif
