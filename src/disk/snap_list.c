/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/snap_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

int vd_snap_list_read(struct vd_snap_list *list, rbd_image_t image)
{
    int room = 16;

    /* -ERANGE: there are more, and `room` is now their number. By the next call there can be even more. */
    do {
        list->snapshots = calloc((size_t)room, sizeof *list->snapshots);
        if (!list->snapshots)
            return -ENOMEM;
        list->count = rbd_snap_list(image, list->snapshots, &room);
        if (list->count >= 0)
            return 0;
        free(list->snapshots);
        list->snapshots = NULL;
    } while (list->count == -ERANGE);
    return list->count;
}

void vd_snap_list_destroy(struct vd_snap_list *list)
{
    if (list->snapshots)
        rbd_snap_list_end(list->snapshots);
    free(list->snapshots);
}

/* It is the sum of the snapshots' hashes, so their order does not matter. */
uint64_t vd_snap_list_digest(const struct vd_snap_list *list)
{
    uint64_t sum = 0;

    for (int i = 0; i < list->count; i++) {
        const rbd_snap_info_t *snapshot = &list->snapshots[i];
        uint64_t hash = vd_hash_add(VD_HASH_START, &snapshot->id, sizeof snapshot->id);

        sum += vd_hash_add(hash, snapshot->name, strlen(snapshot->name));
    }
    return sum;
}
