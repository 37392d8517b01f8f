/* SPDX-License-Identifier: MIT */
/*
 * Whether what is read is still there. Ceph reads the objects of an image or snapshot that somebody has removed as
 * zeroes, with success, so a copy is worth nothing until that is known.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdint.h>

#include <vdisk/vdisk.h>

struct source {
    struct vdisk *disk;
    /* Of the snapshot that is open; SOURCE_NO_SNAPSHOT if it is the image itself, or there is none of that name. */
    uint64_t snapshot_id;
};

#define SOURCE_NO_SNAPSHOT UINT64_MAX

/* Takes note of what there is before it is read. */
int source_init(struct source *source, struct vdisk *disk, struct vdisk_error *err);

/* Looks whether it is still there after it was read: an error if not. */
int source_check(const struct source *source, struct vdisk_error *err);

#endif
