/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scans a range of an open disk: collects, from what librbd reports, where data is or what has changed. The public
 * calls are in extent.c.
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
    /* The range to scan, in offsets of the disk. */
    uint64_t offset;
    uint64_t length;
    /* Count data that a clone reads from its parent, too. */
    bool with_parent;
    /*
     * Find only what has changed since the snapshot `from` or, if that is NULL, since the image was made. false: cover
     * the whole range.
     */
    bool changes;
    char *from;
    /* How many extents to find at most; not 0. */
    size_t room;

    /*
     * What was found, and the offset up to which the range is covered. After a failure `count` is 0, and `next` is
     * `offset`.
     */
    struct vdisk_extent *extents;
    size_t count;
    uint64_t next;
};

/*
 * Scans. `view` is the view of the disk, which the caller has entered. Blocks. Returns 0, or a negative errno with a
 * message in `err`.
 */
int vd_extent_scan_run(struct vd_extent_scan *scan, struct vdisk *disk, struct vd_view *view, struct vdisk_error *err);

/* Frees the extents and `from`. */
void vd_extent_scan_destroy(struct vd_extent_scan *scan);

#endif
