/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/parent.h"

#include <errno.h>
#include <stddef.h>

int vd_parent_read(struct vd_parent *parent, rbd_image_t image)
{
    int r = rbd_get_parent(image, &parent->image, &parent->snapshot);

    parent->known = r == 0;
    return r == -ENOENT ? 0 : r;
}

void vd_parent_destroy(struct vd_parent *parent)
{
    if (!parent->known)
        return;
    rbd_linked_image_spec_cleanup(&parent->image);
    rbd_snap_spec_cleanup(&parent->snapshot);
    parent->known = false;
}

bool vd_parent_exists(const struct vd_parent *parent)
{
    /* Relaxed: see struct vd_parent. */
    return parent->known && !atomic_load_explicit(&parent->cut, memory_order_relaxed);
}

void vd_parent_cut(struct vd_parent *parent)
{
    /* Relaxed: see struct vd_parent. */
    atomic_store_explicit(&parent->cut, true, memory_order_relaxed);
}

const char *vd_parent_snapshot(const struct vd_parent *parent)
{
    return parent->snapshot.namespace_type == RBD_SNAP_NAMESPACE_TYPE_USER ? parent->snapshot.name : NULL;
}
