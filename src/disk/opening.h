/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The beginning and the end of an open disk.
 */
#ifndef VD_OPENING_H
#define VD_OPENING_H

#include "disk/disk.h"

/*
 * Opens the image that `uri` names, in `pool` on `connection`. On success the disk owns these three, on failure the
 * caller still does. `options` must live as long as the disk. To be called with signals blocked. Blocks.
 */
int vd_opening_open(struct vdisk **disk, struct vd_connection *connection, rados_ioctx_t pool, struct vdisk_uri *uri,
                    const struct vdisk_open_options *options, struct vdisk_error *err);

/*
 * Lets nobody in, waits until everybody is out, flushes if there is something to flush, closes the image. Returns the
 * first error of these; *step names it. What the disk owns is then still to be freed.
 */
int vd_opening_close(struct vdisk *disk, const char **step);

/* The two halves of closing, also of reopening. Waits until the current view is empty, for good. Blocks. */
void vd_opening_empty_view(struct vdisk *disk);

#endif
