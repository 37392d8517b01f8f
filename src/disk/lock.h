/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes Ceph's exclusive lock of an image on purpose and keeps it. Otherwise librbd passes the lock between the clients
 * that write: each client releases it when another one asks.
 */
#ifndef VD_LOCK_H
#define VD_LOCK_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>

#include <vdisk/error.h>

/* The owners whose lock may be broken. The cluster fences an owner whose lock is broken. */
struct vd_lock_terms {
    /* Any owner that does not watch the image any more. */
    bool may_break;
    /* Any owner with one of these addresses, even if it watches the image. */
    char *const *dead;
    size_t dead_count;
};

/*
 * Takes the lock of an image that is open for writing, and keeps it until the image is closed. `name` is for messages.
 * Blocks. Returns 0 or a negative errno with its message:
 *
 * -EBUSY    another client has the lock; the message says which, and whether it seems dead
 * -ENOTSUP  the image does not have the feature exclusive-lock
 */
int vd_lock_take(rbd_image_t image, const char *name, const struct vd_lock_terms *terms, struct vdisk_error *err);

#endif
