/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notices changes to the image of an open disk, and tells the subscribers. A writable disk relies on Ceph's watch on
 * the image's header. A read-only opening has no such watch, so a timer opens the image once more at intervals.
 */
#ifndef VD_REFRESH_H
#define VD_REFRESH_H

#include <stdint.h>

#include "disk/disk.h"
#include "disk/subscriber.h"

/*
 * Starts to notice changes. Call it right after the image is opened, before anybody else uses the disk. `poll_ms` is
 * the timer's period; 0: the default. Blocks. Returns 0 or a negative errno; call vd_refresh_stop after a failure, too.
 */
int vd_refresh_start(struct vdisk *disk, uint32_t poll_ms);

/*
 * Starts again with a new view, after vd_refresh_stop and vd_refresh_end. Subscribers are told of what has changed in
 * between. Blocks. Returns 0 or a negative errno; call vd_refresh_stop after a failure, too.
 */
int vd_refresh_restart(struct vdisk *disk);

/*
 * Stopping takes three steps. This is the first: from now on no background job replaces the view. Blocks. The caller
 * then retires the view and waits until it is empty.
 */
void vd_refresh_keep_view(struct vdisk *disk);

/*
 * The second step, with an empty view: once it returns, no background job of the disk uses the view. Blocks. The caller
 * then closes the image.
 */
void vd_refresh_stop(struct vdisk *disk);

/* The third step, with the image closed: once it returns, no background job of the disk runs any more. Blocks. */
void vd_refresh_end(struct vdisk *disk);

/*
 * Tells a subscriber that has just begun about what it may have missed. The caller keeps the disk. Never blocks.
 */
void vd_refresh_subscribed(struct vdisk *disk, struct vd_subscriber *subscriber);

#endif
