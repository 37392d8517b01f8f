/* SPDX-License-Identifier: MIT */
#include "common/map.h"

void map_start(struct map *map, struct vdisk *disk)
{
    map->disk = disk;
    map->next = 0;
    map->end = vdisk_get_size(disk);
    map->flags = 0;
    map->changes = false;
    map->from = NULL;
    map->count = 0;
    map->used = 0;
}

static int ask(struct map *map, struct vdisk_error *err)
{
    uint64_t left = map->end - map->next;
    map->used = 0;
    map->count = MAP_EXTENTS;
    if (map->changes)
        return vdisk_diff(map->extents, &map->count, &map->next, map->disk, map->from, map->next, left, map->flags,
                          err);
    return vdisk_extents(map->extents, &map->count, &map->next, map->disk, map->next, left, map->flags, err);
}

int map_next(const struct vdisk_extent **extent, struct map *map, struct vdisk_error *err)
{
    *extent = NULL;
    while (map->used == map->count && map->next < map->end) {
        int result = ask(map, err);
        if (result < 0)
            return result;
    }
    if (map->used < map->count)
        *extent = &map->extents[map->used++];
    return 0;
}
