/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshots.h"

#include <stdlib.h>
#include <string.h>

void must(change_fn change, struct vdisk *disk, const char *name)
{
    struct vdisk_error err;

    assert_done(change(disk, name, 0, &err), &err);
}

void must_fail(change_fn change, struct vdisk *disk, const char *image, const char *name, int code)
{
    struct vdisk_error err;

    assert_failed(change(disk, name, 0, &err), code, &err, FRAGMENTS(base_name(image), name));
}

struct vdisk *open_new_image(const char **image)
{
    *image = new_image();
    create_image(*image, SIZE, 0);
    return open_disk(*image, 0);
}

void list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk)
{
    struct vdisk_error err;

    assert_done(vdisk_snapshot_list(snapshots, count, disk, &err), &err);
}

size_t count_objects(const char *json)
{
    size_t count = 0;

    for (const char *at = json; (at = strstr(at, "\"id\":")); at++)
        count++;
    return count;
}

void assert_lists_agree(struct vdisk *disk, const char *image, size_t expected)
{
    char *json = RBD_OUTPUT("snap", "ls", image, "--format", "json");
    struct vdisk_snapshot *snapshots;
    const char *at = json;
    size_t count;

    list(&snapshots, &count, disk);
    assert_int_equal(count, expected);
    assert_int_equal(count_objects(json), expected);
    for (size_t i = 0; i < count; i++) {
        at = strstr(at, "{\"id\":");
        assert_int_equal(snapshots[i].id, json_number(at, "id"));
        assert_string_equal(snapshots[i].name, json_string(at, "name"));
        assert_int_equal(snapshots[i].size, json_number(at, "size"));
        assert_string_equal(snapshots[i].is_protected ? "true" : "false", json_string(at, "protected"));
        at++;
    }
    vdisk_snapshot_list_free(snapshots);
    free(json);
}
