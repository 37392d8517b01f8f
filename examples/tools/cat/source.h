/* SPDX-License-Identifier: MIT */
/*
 * Finds out whether the image or snapshot was removed while it was read. Ceph reads the missing objects as zeroes, with
 * success, so a copy is valid only if its source still exists after the last read.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdint.h>

#include <vdisk/vdisk.h>

struct source {
    struct vdisk *disk;
    /* SOURCE_NO_SNAPSHOT if the disk is the image itself, or if its snapshot does not exist. */
    uint64_t snapshot_id;
};

#define SOURCE_NO_SNAPSHOT UINT64_MAX

/* Notes which image and snapshot are read. Called before the first read. Returns 0 or a negative errno. */
int source_init(struct source *source, struct vdisk *disk, struct vdisk_error *err);

/* Checks that they still exist. Called after the last read. Returns 0 or a negative errno. */
int source_check(const struct source *source, struct vdisk_error *err);

#endif
