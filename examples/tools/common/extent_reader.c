/* SPDX-License-Identifier: MIT */
#include "common/extent_reader.h"

void extent_reader_init(struct extent_reader *reader, struct vdisk *disk)
{
    reader->disk = disk;
    reader->next = 0;
    reader->end = vdisk_get_size(disk);
    reader->flags = 0;
    reader->reads_changes = false;
    reader->from = NULL;
    reader->count = 0;
    reader->used = 0;
}

static int fill(struct extent_reader *reader, struct vdisk_error *err)
{
    uint64_t left = reader->end - reader->next;
    reader->used = 0;
    reader->count = EXTENT_READER_ROOM;
    if (reader->reads_changes)
        return vdisk_diff(reader->extents, &reader->count, &reader->next, reader->disk, reader->from, reader->next,
                          left, reader->flags, err);
    return vdisk_extents(reader->extents, &reader->count, &reader->next, reader->disk, reader->next, left,
                         reader->flags, err);
}

int extent_reader_next(const struct vdisk_extent **extent, struct extent_reader *reader, struct vdisk_error *err)
{
    *extent = NULL;
    /* The library may advance through part of the range without finding an extent, so one call can be too few. */
    while (reader->used == reader->count && reader->next < reader->end) {
        int result = fill(reader, err);
        if (result < 0)
            return result;
    }
    if (reader->used < reader->count)
        *extent = &reader->extents[reader->used++];
    return 0;
}
