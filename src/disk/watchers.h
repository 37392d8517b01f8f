/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The clients that watch an image's header: every client that has the image open for writing. The cluster forgets a
 * client that died after half a minute.
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

/* Asks librbd. Blocks. Returns 0 or a negative errno; then there is nothing to destroy. */
int vd_watchers_read(struct vd_watchers *watchers, rbd_image_t image);
void vd_watchers_destroy(struct vd_watchers *watchers);

/* Whether a client with this address is among them. */
bool vd_watchers_include(const struct vd_watchers *watchers, const char *address);

#endif
