/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walking over what librbd tells of the data in a range of an open disk.
 */
#ifndef VD_EXTENT_SCAN_H
#define VD_EXTENT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/error.h>
#include <vdisk/extent.h>

#include "disk/disk.h"
#include "disk/view.h"

struct vd_extent_scan {
    /* What to look at. */
    uint64_t offset;
    uint64_t length;
    /* Count what a clone's parent has. */
    bool with_parent;
    /* Only what changed since the snapshot `from`, or NULL: ever; otherwise all of the range. */
    bool changes;
    char *from;
    /* The most extents to find, not 0. */
    size_t room;

    /* What was found; nothing, and `next` is `offset`, after a failure. */
    struct vdisk_extent *extents;
    size_t count;
    uint64_t next;
};

/* `view` is the disk's, entered. Blocks. Returns 0 or a negative errno with its sentence. */
int vd_extent_scan_run(struct vd_extent_scan *scan, struct vdisk *disk, struct vd_view *view, struct vdisk_error *err);

/* Frees what was found, and `from`. */
void vd_extent_scan_destroy(struct vd_extent_scan *scan);

#endif
