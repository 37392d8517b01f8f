/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The idle queues that synchronous calls keep with a disk.
 */
#ifndef VD_SYNC_H
#define VD_SYNC_H

#include "disk/disk.h"

/* Frees a disk's idle queues. No synchronous call may be in progress. */
void vd_sync_free_queues(struct vdisk *disk);

#endif
