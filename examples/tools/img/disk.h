/* SPDX-License-Identifier: MIT */
/*
 * Opens an image as the options say. tool_close_disk closes it.
 */
#ifndef DISK_H
#define DISK_H

#include <vdisk/vdisk.h>

#include "img/args.h"

/* Opens the image or snapshot of the URI only for reading. Returns 0 or a negative errno. */
int disk_open_for_reading(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err);

/* Open the image for a change. The second leaves out the snapshot of the URI. Return 0 or a negative errno. */
int disk_open_for_change(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err);
int disk_open_without_snapshot(struct vdisk **disk, const struct img_args *args, struct vdisk_error *err);

#endif
