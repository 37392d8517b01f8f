/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The snapshots of an open image, as librbd lists them: Ceph's own too, in any order.
 */
#ifndef VD_SNAP_LIST_H
#define VD_SNAP_LIST_H

#include <rbd/librbd.h>
#include <stdint.h>

struct vd_snap_list {
    rbd_snap_info_t *snapshots;
    int count;
};

/* Fills in a list that is all zero. Blocks. Returns 0 or a negative errno. To be freed in either case. */
int vd_snap_list_read(struct vd_snap_list *list, rbd_image_t image);
void vd_snap_list_destroy(struct vd_snap_list *list);

/* A number that differs, but for an accident in 2^64, when there are other ids or names. */
uint64_t vd_snap_list_digest(const struct vd_snap_list *list);

#endif
