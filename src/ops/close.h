/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closes a disk on this thread, for other operations. The public calls are in close.c too. */
#ifndef VD_CLOSE_H
#define VD_CLOSE_H

#include <vdisk/disk.h>
#include <vdisk/error.h>

/*
 * Closes a disk and frees it, even when closing fails. Blocks. Returns 0, or the first error with a message in `err`.
 */
int vd_close_disk(struct vdisk *disk, struct vdisk_error *err);

#endif
