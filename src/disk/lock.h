/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ceph's exclusive lock of an image, taken and held on purpose. Without that it goes to and fro between those who
 * write, each giving it up when asked.
 */
#ifndef VD_LOCK_H
#define VD_LOCK_H

#include <rbd/librbd.h>
#include <stdbool.h>
#include <stddef.h>

#include <vdisk/error.h>

/* Whose lock may be broken, which fences them too. */
struct vd_lock_terms {
    /* Who does not watch the image any more. */
    bool may_break;
    /* Who has these addresses, whatever they do. */
    char *const *dead;
    size_t dead_count;
};

/*
 * Takes the lock of an image that is open for writing, until it is closed; `name` is for messages. Blocks.
 *
 * -EBUSY    somebody has it; the message says who, and whether it seems dead
 * -ENOTSUP  the image has no such lock
 */
int vd_lock_take(rbd_image_t image, const char *name, const struct vd_lock_terms *terms, struct vdisk_error *err);

#endif
