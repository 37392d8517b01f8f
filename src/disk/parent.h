/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parent of a clone: the image and the snapshot that it was made from.
 */
#ifndef VD_PARENT_H
#define VD_PARENT_H

#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdbool.h>

/* All zero: there is no parent. */
struct vd_parent {
    /* `image` and `snapshot` are filled in. */
    bool known;
    /* This disk has flattened the image, so it has no parent any more. Relaxed: no other data is read by it. */
    atomic_bool cut;
    rbd_linked_image_spec_t image;
    rbd_snap_spec_t snapshot;
};

/* Asks librbd for the parent. Blocks. Returns 0, with or without a parent, or a negative errno. */
int vd_parent_read(struct vd_parent *parent, rbd_image_t image);
void vd_parent_destroy(struct vd_parent *parent);

/* Returns whether there is a parent. Any thread. */
bool vd_parent_exists(const struct vd_parent *parent);

/* Notes that the image has been flattened. The names stay until vd_parent_destroy, since callers may still use them. */
void vd_parent_cut(struct vd_parent *parent);

/*
 * Returns the snapshot's name. NULL: the name was removed, while Ceph keeps the snapshot for its clones under a name
 * that nobody can use.
 */
const char *vd_parent_snapshot(const struct vd_parent *parent);

#endif
