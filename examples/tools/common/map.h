/* SPDX-License-Identifier: MIT */
/*
 * The extents of a disk, or its changes, one after the other; asked for some at a time, so that memory is bounded.
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

enum { MAP_EXTENTS = 512 };

struct map {
    struct vdisk *disk;
    /* What is not yet asked for: up to `end`. */
    uint64_t next;
    uint64_t end;
    /* VDISK_EXTENTS_... */
    uint32_t flags;
    /* Ask for changes since the snapshot `from`; NULL: ever. */
    bool changes;
    const char *from;
    struct vdisk_extent extents[MAP_EXTENTS];
    size_t count;
    size_t used;
};

/* Of the whole disk, to begin with, and with no flags; the caller may change what is said of that. */
void map_start(struct map *map, struct vdisk *disk);

/* Sets *extent to the next one, which stays until the next call; NULL: there is none. Returns 0 or a negative errno. */
int map_next(const struct vdisk_extent **extent, struct map *map, struct vdisk_error *err);

#endif
