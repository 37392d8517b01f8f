/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a clone was made from.
 */
#ifndef VD_PARENT_H
#define VD_PARENT_H

#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdbool.h>

/* All zero is none. */
struct vd_parent {
    bool known;
    /* Once the image was flattened, there is none. Relaxed: no other data is read by it. */
    atomic_bool cut;
    rbd_linked_image_spec_t image;
    rbd_snap_spec_t snapshot;
};

/* Asks librbd. Blocks. Returns 0, with or without a parent, or a negative errno. */
int vd_parent_read(struct vd_parent *parent, rbd_image_t image);
void vd_parent_destroy(struct vd_parent *parent);

bool vd_parent_exists(const struct vd_parent *parent);
void vd_parent_cut(struct vd_parent *parent);

/* NULL for a snapshot whose name was removed: Ceph keeps it for its clones, under a name nobody can use. */
const char *vd_parent_snapshot(const struct vd_parent *parent);

#endif
