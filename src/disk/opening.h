/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens and closes a disk.
 */
#ifndef VD_OPENING_H
#define VD_OPENING_H

#include "disk/disk.h"

/*
 * Opens the image that `uri` names, in `pool` on `connection`. On success the disk owns these three; on failure the
 * caller still does. `options` must live as long as the disk. The caller has blocked all signals. Blocks. Returns 0 or
 * a negative errno with its message.
 */
int vd_opening_open(struct vdisk **disk, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_uri *uri,
                    const struct vdisk_open_options *options, struct vdisk_error *err);

/*
 * Refuses new calls, waits for all users of the disk and all requests, flushes if a write is not flushed, and closes
 * the image. Blocks. Returns the first error; *step then names what failed, for a message. The disk still owns its pool
 * and connection (vd_disk_disconnect) and its memory (vd_disk_free).
 */
int vd_opening_close(struct vdisk *disk, const char **step);

/*
 * The first half of closing and of reopening: retires the current view for good, waits until its last request has left,
 * and stops the background jobs. The disk must refuse already. Blocks.
 */
void vd_opening_empty_view(struct vdisk *disk);

#endif
