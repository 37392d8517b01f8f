/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef VD_CLOSE_H
#define VD_CLOSE_H

#include <vdisk/disk.h>
#include <vdisk/error.h>

/* Closes a disk and frees it, whatever the result. Blocks. */
int vd_close_disk(struct vdisk *disk, struct vdisk_error *err);

#endif
