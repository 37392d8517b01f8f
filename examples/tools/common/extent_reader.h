/* SPDX-License-Identifier: MIT */
/*
 * Reads the extents of a disk, or its changes since a snapshot, one by one. It asks the library for some at a time, so
 * its memory is bounded.
 */
#ifndef EXTENT_READER_H
#define EXTENT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

enum { EXTENT_READER_ROOM = 512 };

struct extent_reader {
    struct vdisk *disk;
    /* The rest of the range to read. The library has not been asked about it yet. */
    uint64_t next;
    uint64_t end;
    /* VDISK_EXTENTS_... */
    uint32_t flags;
    /* True to read the changes since the snapshot `from`, or since the image was created if that is NULL. */
    bool reads_changes;
    const char *from;
    struct vdisk_extent extents[EXTENT_READER_ROOM];
    size_t count;
    size_t used;
};

/*
 * Prepares to read the extents of the whole disk, without flags. Before the first extent_reader_next, the caller may
 * set `next`, `end`, `flags`, `reads_changes` and `from`.
 */
void extent_reader_init(struct extent_reader *reader, struct vdisk *disk);

/* Sets *extent to the next extent, valid until the next call, or to NULL at the end. Returns 0 or a negative errno. */
int extent_reader_next(const struct vdisk_extent **extent, struct extent_reader *reader, struct vdisk_error *err);

#endif
