/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The snapshots of an open image as librbd lists them: in any order, and including those that Ceph made for itself.
 */
#ifndef VD_SNAP_LIST_H
#define VD_SNAP_LIST_H

#include <rbd/librbd.h>
#include <stdint.h>

struct vd_snap_list {
    rbd_snap_info_t *snapshots;
    int count;
};

/*
 * Fills in a list that is all zero. Can block. Returns 0 or a negative errno. Destroy the list in either case.
 */
int vd_snap_list_read(struct vd_snap_list *list, rbd_image_t image);
void vd_snap_list_destroy(struct vd_snap_list *list);

/* Returns a digest of the ids and names: it differs for other snapshots, except by a chance of one in 2^64. */
uint64_t vd_snap_list_digest(const struct vd_snap_list *list);

#endif
