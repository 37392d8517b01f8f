/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clients that watch an image's header: all that have the image open for writing. A client that dies counts as a
 * watcher for another half minute, until the cluster forgets it.
 */
#ifndef VD_WATCHERS_H
#define VD_WATCHERS_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>

struct vd_watchers {
    rbd_image_watcher_t *list;
    size_t count;
};

/* Asks librbd for the watchers. Blocks. Returns 0, or a negative errno; then there is nothing to destroy. */
int vd_watchers_read(struct vd_watchers *watchers, rbd_image_t image);
void vd_watchers_destroy(struct vd_watchers *watchers);

/* Returns whether a client with this address is among them. */
bool vd_watchers_include(const struct vd_watchers *watchers, const char *address);

#endif
