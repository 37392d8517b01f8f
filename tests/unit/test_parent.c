/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told of a clone's parent, and flattening, which takes it away. */
#include "image_helpers.h"

#include <errno.h>

#define CLONE_URI "rbd:p/clone"

static int set_up_clone(void **state)
{
    int r = set_up_parent(state);

    fake_image_write("p", "", "i", 0, "old", 3);
    fake_create_snapshot("p", "", "i", "data", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_create_clone("p", "", "i", "data", 1, "clone");
    return r;
}

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    return info;
}

static void assert_no_parent(struct vdisk *disk)
{
    struct vdisk_info info = info_of(disk);

    assert_null(info.parent_pool);
    assert_null(info.parent_name_space);
    assert_null(info.parent_image);
    assert_null(info.parent_image_id);
    assert_null(info.parent_snapshot);
}

/* The parent. */

static void a_clone_names_its_parent(void **state)
{
    struct vdisk *parent = open_disk(IMAGE_URI, 0), *disk = open_disk(CLONE_URI, 0);
    struct vdisk_info info = info_of(disk);

    (void)state;
    assert_string_equal(info.parent_pool, "p");
    assert_string_equal(info.parent_name_space, "");
    assert_string_equal(info.parent_image, "i");
    assert_string_equal(info.parent_snapshot, "data");
    assert_string_equal(info.parent_image_id, info_of(parent).image_id);
    assert_no_parent(parent);
    close_disk(parent);
    close_disk(disk);
}

static void so_does_one_that_is_only_read(void **state)
{
    struct vdisk *disk = open_disk(CLONE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    assert_string_equal(info_of(disk).parent_snapshot, "data");
    close_disk(disk);
}

static void the_parent_can_be_elsewhere(void **state)
{
    struct vdisk_info info;
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "mother", MIB);
    fake_create_snapshot("p", "n", "mother", "t", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_create_clone("p", "n", "mother", "t", 2, "child");
    disk = open_disk("rbd:p/n/child", 0);
    info = info_of(disk);
    assert_string_equal(info.parent_name_space, "n");
    assert_string_equal(info.parent_image, "mother");
    close_disk(disk);
}

/* Ceph keeps it under a name of its own, which would lead nowhere. */
static void a_snapshot_without_its_name_is_null(void **state)
{
    struct vdisk *parent, *disk;

    (void)state;
    fake_create_snapshot("p", "", "i", "t", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_create_clone("p", "", "i", "t", 2, "newer");
    parent = open_disk(IMAGE_URI, 0);
    assert_int_equal(vdisk_snapshot_remove(parent, "t", 0, NULL), 0);
    close_disk(parent);
    disk = open_disk("rbd:p/newer", 0);
    assert_string_equal(info_of(disk).parent_image, "i");
    assert_null(info_of(disk).parent_snapshot);
    close_disk(disk);
}

static void a_snapshot_has_its_id(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, 0), *snapshot;
    struct vdisk_snapshot *list;
    size_t count;

    (void)state;
    assert_int_equal(info_of(disk).snapshot_id, 0);
    assert_int_equal(vdisk_snapshot_list(&list, &count, disk, NULL), 0);
    snapshot = open_disk("rbd:p/i@data", VDISK_OPEN_READ_ONLY);
    assert_int_equal(count, 2);
    assert_string_equal(list[1].name, "data");
    assert_int_equal(info_of(snapshot).snapshot_id, list[1].id);
    vdisk_snapshot_list_free(list);
    close_disk(snapshot);
    close_disk(disk);
}

/* Flattening. */

static void a_flattened_clone_stands_alone(void **state)
{
    struct vdisk *disk = open_disk(CLONE_URI, 0);
    struct vdisk_error err;
    char data[3];

    (void)state;
    assert_int_equal(vdisk_flatten(disk, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_false(fake_image_is_clone("p", "", "clone"));
    assert_no_parent(disk);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "old", 3);
    close_disk(disk);
    disk = open_disk(CLONE_URI, 0);
    assert_no_parent(disk);
    close_disk(disk);
    assert_true(fake_signals_blocked("rbd_flatten_with_progress"));
}

static void what_has_no_parent_is_not_flattened(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, 0), *clone = open_disk(CLONE_URI, 0);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_flatten(disk, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "Flattening image \"i\" failed: it has no parent.");
    close_disk(disk);
    assert_int_equal(vdisk_flatten(clone, 0, NULL), 0);
    assert_int_equal(vdisk_flatten(clone, 0, &err), -EINVAL);
    close_disk(clone);
}

static void a_disk_that_is_only_read_is_not_flattened(void **state)
{
    struct vdisk *disk = open_disk(CLONE_URI, VDISK_OPEN_READ_ONLY);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_flatten(disk, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "Flattening image \"clone\" is not possible: it is open read-only");
    assert_int_equal(fake_calls("rbd_flatten_with_progress"), 0);
    close_disk(disk);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct vdisk *disk = open_disk(CLONE_URI, 0);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_flatten(disk, 2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x2 ");
    assert_int_equal(vdisk_flatten(disk, VDISK_AIO_PROGRESS, &err), -EINVAL);
    assert_int_equal(vdisk_flatten(NULL, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "disk is NULL");
    assert_true(fake_image_is_clone("p", "", "clone"));
    close_disk(disk);
}

static void a_failure_leaves_the_parent(void **state)
{
    struct vdisk *disk = open_disk(CLONE_URI, 0);
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_flatten_with_progress", 1, ENOSPC);
    assert_int_equal(vdisk_flatten(disk, 0, &err), -ENOSPC);
    assert_says(&err, -ENOSPC, "Flattening image \"clone\" failed: No space left on device.");
    assert_string_equal(info_of(disk).parent_image, "i");
    close_disk(disk);
}

static void an_opening_that_cannot_learn_of_the_parent_fails(void **state)
{
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    fake_fail_call("rbd_get_parent", 1, EIO);
    assert_int_equal(vdisk_open_uri(&disk, CLONE_URI, NULL, &err), -EIO);
    assert_null(disk);
    check_nothing_left();
    /* And one that fails after that forgets it. */
    fake_fail_call("rbd_update_watch", 1, EIO);
    assert_int_equal(vdisk_open_uri(&disk, CLONE_URI, NULL, &err), -EIO);
    check_nothing_left();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_clone, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_clone_names_its_parent),
        TEST(so_does_one_that_is_only_read),
        TEST(the_parent_can_be_elsewhere),
        TEST(a_snapshot_without_its_name_is_null),
        TEST(a_snapshot_has_its_id),
        TEST(a_flattened_clone_stands_alone),
        TEST(what_has_no_parent_is_not_flattened),
        TEST(a_disk_that_is_only_read_is_not_flattened),
        TEST(what_makes_no_sense_is_refused),
        TEST(a_failure_leaves_the_parent),
        TEST(an_opening_that_cannot_learn_of_the_parent_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
