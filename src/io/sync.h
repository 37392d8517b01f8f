/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What synchronous calls keep with a disk.
 */
#ifndef VD_SYNC_H
#define VD_SYNC_H

#include "disk/disk.h"

/* Frees the idle queues of a closed disk. */
void vd_sync_free_queues(struct vdisk *disk);

#endif
