/* SPDX-License-Identifier: MIT */
#include "cat/source.h"

#include <errno.h>
#include <string.h>

#include "common/tool.h"

/*
 * Asks the cluster again, as vdisk_snapshot_list does for a disk that is open read-only. It returns -ENOENT if the
 * image is gone, even if another image has its name by now.
 */
static int look(struct source *source, struct vdisk *disk, struct vdisk_error *err)
{
    struct vdisk_snapshot *snapshots;
    struct vdisk_info info;
    size_t count;
    *source = (struct source){.disk = disk, .snapshot_id = SOURCE_NO_SNAPSHOT};
    vdisk_info_init(&info, sizeof info);
    int result = vdisk_get_info(&info, disk, err);
    if (result == 0)
        result = vdisk_snapshot_list(&snapshots, &count, disk, err);
    if (result != 0)
        return result;
    for (size_t i = 0; info.snapshot && i < count; i++) {
        if (strcmp(snapshots[i].name, info.snapshot) == 0)
            source->snapshot_id = snapshots[i].id;
    }
    vdisk_snapshot_list_free(snapshots);
    return 0;
}

int source_init(struct source *source, struct vdisk *disk, struct vdisk_error *err)
{
    return look(source, disk, err);
}

int source_check(const struct source *source, struct vdisk_error *err)
{
    struct source now;
    int result = look(&now, source->disk, err);
    if (result == -ENOENT || (result == 0 && now.snapshot_id != source->snapshot_id))
        return tool_fail(
            err, -ENOENT,
            "The image or snapshot was removed while it was read, so the copy may contain zeroes instead of data.");
    return result;
}
