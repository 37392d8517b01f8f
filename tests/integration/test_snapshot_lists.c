/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that lists of snapshots agree with `rbd snap ls`, and leave out what Ceph keeps for itself. */
#include "snapshots.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Lists. */

static void an_image_without_snapshots_has_an_empty_list(void **state)
{
    struct vdisk_snapshot *snapshots = (struct vdisk_snapshot *)1;
    const char *image;
    struct vdisk *disk;
    size_t count = 99;

    (void)state;
    disk = open_new_image(&image);
    list(&snapshots, &count, disk);
    assert_null(snapshots);
    assert_int_equal(count, 0);
    close_disk(disk);
}

static void snapshots_made_here_are_listed_by_rbd(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    must(vdisk_snapshot_create, disk, "zebra");
    assert_lists_agree(disk, image, 1);
    must(vdisk_snapshot_create, disk, "ape with: odd, name=");
    assert_lists_agree(disk, image, 2);
    must(vdisk_snapshot_remove, disk, "zebra");
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void snapshots_made_by_rbd_are_listed_here(void **state)
{
    const char *image;
    struct vdisk *disk;

    (void)state;
    disk = open_new_image(&image);
    RBD("snap", "create", text("%s@one", image));
    assert_lists_agree(disk, image, 1);
    RBD("snap", "create", text("%s@two", image));
    RBD("snap", "protect", text("%s@two", image));
    assert_lists_agree(disk, image, 2);
    RBD("snap", "rm", text("%s@one", image));
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void a_read_only_disk_lists_snapshots_made_after_it_was_opened(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    RBD("snap", "create", text("%s@late", image));
    assert_lists_agree(disk, image, 1);
    RBD("snap", "protect", text("%s@late", image));
    assert_lists_agree(disk, image, 1);
    close_disk(disk);
}

static void a_read_only_disk_does_not_list_those_of_a_new_image_of_its_name(void **state)
{
    const char *image = new_image();
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    struct vdisk *disk;
    size_t count;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    RBD("rm", image);
    create_image(image, SIZE, 0);
    RBD("snap", "create", text("%s@other", image));
    assert_failed(vdisk_snapshot_list(&snapshots, &count, disk, &err), -ENOENT, &err, FRAGMENTS(base_name(image)));
    assert_null(snapshots);
    assert_int_equal(count, 0);
    close_disk(disk);
}

static void a_disk_of_a_snapshot_lists_those_of_its_image(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    RBD("snap", "create", text("%s@first", image));
    disk = open_disk(text("%s@first", image), VDISK_OPEN_READ_ONLY);
    RBD("snap", "create", text("%s@second", image));
    assert_lists_agree(disk, image, 2);
    close_disk(disk);
}

static void the_list_tells_the_size_at_each_snapshot(void **state)
{
    const char *image = new_image();
    struct vdisk_snapshot *snapshots;
    struct vdisk_error err;
    struct vdisk *disk;
    size_t count;

    (void)state;
    create_image(image, 1000, 0);
    disk = open_disk(image, 0);
    for (uint64_t size = 1000; size < 4000; size += 1000) {
        assert_done(vdisk_resize(disk, size, 0, &err), &err);
        must(vdisk_snapshot_create, disk, text("at %d", (int)size));
    }
    list(&snapshots, &count, disk);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(snapshots[i].size, 1000 * (i + 1));
    vdisk_snapshot_list_free(snapshots);
    assert_lists_agree(disk, image, 3);
    close_disk(disk);
}

/* More than one round of asking librbd. The order of age is not that of names. */
static void forty_snapshots_are_listed_by_age(void **state)
{
    const char *image;
    struct vdisk_snapshot *snapshots;
    struct vdisk *disk;
    size_t count;

    (void)state;
    disk = open_new_image(&image);
    for (int i = 0; i < 40; i++)
        must(vdisk_snapshot_create, disk, text("%d-%d", i * 7 % 40, i));
    list(&snapshots, &count, disk);
    assert_int_equal(count, 40);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(snapshots[i].name, text("%d-%d", (int)i * 7 % 40, (int)i));
        assert_true(i == 0 || snapshots[i - 1].id < snapshots[i].id);
    }
    vdisk_snapshot_list_free(snapshots);
    assert_lists_agree(disk, image, 40);
    close_disk(disk);
}

/* What Ceph keeps for itself. */

static void remove_group(void *group)
{
    RBD_STATUS("group", "rm", group);
}

static void snapshots_of_groups_are_left_out(void **state)
{
    const char *image = new_image(), *group = text("%s-group", image);
    struct vdisk *disk;
    char *all;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    must(vdisk_snapshot_create, disk, "mine");
    RBD("group", "create", group);
    undo_later(remove_group, (void *)(uintptr_t)group);
    RBD("group", "image", "add", group, image);
    RBD("group", "snap", "create", text("%s@ours", group));
    all = RBD_OUTPUT("snap", "ls", "--all", image, "--format", "json");
    assert_int_equal(count_objects(all), 2);
    assert_lists_agree(disk, image, 1);
    free(all);
    close_disk(disk);
}

/* Of a snapshot that a clone of the second format depends on, removal only takes the name away. */
static void snapshots_in_the_trash_are_left_out(void **state)
{
    const char *image, *child;
    struct vdisk *disk;
    char *all;

    (void)state;
    disk = open_new_image(&image);
    child = new_image();
    must(vdisk_snapshot_create, disk, "base");
    must(vdisk_snapshot_create, disk, "other");
    RBD("clone", "--rbd-default-clone-format", "2", text("%s@base", image), child);
    RBD("snap", "rm", text("%s@base", image));
    all = RBD_OUTPUT("snap", "ls", "--all", image, "--format", "json");
    assert_int_equal(count_objects(all), 2);
    assert_non_null(strstr(all, "trash"));
    assert_lists_agree(disk, image, 1);
    free(all);
    close_disk(disk);
}

static void an_image_with_only_ceph_s_own_snapshots_has_an_empty_list(void **state)
{
    const char *image = new_image(), *child = new_image();
    struct vdisk_snapshot *snapshots;
    struct vdisk *disk;
    size_t count;

    (void)state;
    create_image(image, SIZE, 0);
    RBD("snap", "create", text("%s@base", image));
    RBD("clone", "--rbd-default-clone-format", "2", text("%s@base", image), child);
    RBD("snap", "rm", text("%s@base", image));
    disk = open_disk(image, 0);
    list(&snapshots, &count, disk);
    assert_null(snapshots);
    assert_int_equal(count, 0);
    close_disk(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_without_snapshots_has_an_empty_list),
        TEST(snapshots_made_here_are_listed_by_rbd),
        TEST(snapshots_made_by_rbd_are_listed_here),
        TEST(a_read_only_disk_lists_snapshots_made_after_it_was_opened),
        TEST(a_read_only_disk_does_not_list_those_of_a_new_image_of_its_name),
        TEST(a_disk_of_a_snapshot_lists_those_of_its_image),
        TEST(the_list_tells_the_size_at_each_snapshot),
        TEST(forty_snapshots_are_listed_by_age),
        TEST(snapshots_of_groups_are_left_out),
        TEST(snapshots_in_the_trash_are_left_out),
        TEST(an_image_with_only_ceph_s_own_snapshots_has_an_empty_list),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
