/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How an open disk learns what happens to its image, and tells those who watch it. A disk that can be written has
 * librbd's own watch; of a read-only one, which has none, the image is opened anew from time to time.
 */
#ifndef VD_REFRESH_H
#define VD_REFRESH_H

#include <stdint.h>

#include "disk/disk.h"
#include "disk/subscriber.h"

/* With the image just opened, nobody else using the disk. Blocks. Returns 0 or a negative errno: to be stopped too. */
int vd_refresh_start(struct vdisk *disk, uint32_t poll_ms);

/* With another view in its place, after vd_refresh_stop. What changed in between is told. The same otherwise. */
int vd_refresh_restart(struct vdisk *disk);

/* From now on the view is not replaced any more. Blocks. */
void vd_refresh_keep_view(struct vdisk *disk);

/*
 * After that, with nobody in the view: from now on none of the disk's background jobs uses the view. Blocks. The image
 * is then closed, and vd_refresh_end called: none of the disk's background jobs runs any more.
 */
void vd_refresh_stop(struct vdisk *disk);
void vd_refresh_end(struct vdisk *disk);

/* On a disk that is held: `watch` has begun to watch it. Never blocks. */
void vd_refresh_subscribed(struct vdisk *disk, struct vd_subscriber *subscriber);

#endif
