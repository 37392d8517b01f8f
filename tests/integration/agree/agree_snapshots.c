/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <errno.h>

static void snap_list_needs_one_more(void **state)
{
    rbd_snap_info_t list[8];
    int max = 0;

    (void)state;
    assert_int_equal(rbd_snap_list(image, NULL, &max), -ERANGE);
    assert_int_equal(max, 1);
    assert_int_equal(rbd_snap_list(image, list, &max), 0);
    assert_null(list[0].name);
    assert_int_equal(rbd_snap_create(image, "b"), 0);
    assert_int_equal(resize(image, 2 * SIZE, false), 0);
    assert_int_equal(rbd_snap_create(image, "a"), 0);
    max = 2;
    assert_int_equal(rbd_snap_list(image, list, &max), -ERANGE);
    assert_int_equal(max, 3);
    max = 8;
    assert_int_equal(rbd_snap_list(image, list, &max), 2);
    assert_int_equal(max, 8);
    assert_string_equal(list[0].name, "b");
    assert_int_equal(list[0].size, SIZE);
    assert_string_equal(list[1].name, "a");
    assert_int_equal(list[1].size, 2 * SIZE);
    assert_true(list[0].id < list[1].id);
    assert_null(list[2].name);
    rbd_snap_list_end(list);
}

static void snapshots_have_a_type(void **state)
{
    rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_TRASH;
    rbd_snap_info_t list[2];
    int max = 2;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_list(image, list, &max), 1);
    assert_int_equal(rbd_snap_get_namespace_type(image, list[0].id, &type), 0);
    assert_int_equal(type, RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_int_equal(rbd_snap_get_namespace_type(image, 99999999, &type), -ENOENT);
    rbd_snap_list_end(list);
}

static void snapshot_names_can_be_odd_but_not_double(void **state)
{
    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_create(image, "s"), -EEXIST);
    assert_int_equal(rbd_snap_create(image, ""), 0);
    assert_int_equal(rbd_snap_create(image, "a@b/c"), 0);
    assert_int_equal(rbd_snap_create2(image, "t", 0x8000, ignore_progress, NULL), -EINVAL);
    assert_int_equal(rbd_snap_create2(image, "t", 0, ignore_progress, NULL), 0);
    assert_int_equal(rbd_snap_create2(image, "u", RBD_SNAP_CREATE_SKIP_QUIESCE, NULL, NULL), 0);
}

static void protection_is_strict(void **state)
{
    int is_protected = 7;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_is_protected(image, "s", &is_protected), 0);
    assert_int_equal(is_protected, 0);
    assert_int_equal(rbd_snap_unprotect(image, "s"), -EINVAL);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), -EBUSY);
    assert_int_equal(rbd_snap_is_protected(image, "s", &is_protected), 0);
    assert_int_equal(is_protected, 1);
    assert_int_equal(rbd_snap_remove(image, "s"), -EBUSY);
    assert_int_equal(rbd_snap_remove2(image, "s", 0, ignore_progress, NULL), -EBUSY);
    assert_int_equal(rbd_snap_remove2(image, "s", RBD_SNAP_REMOVE_UNPROTECT, ignore_progress, NULL), 0);
}

static void missing_snapshots_are_not_found(void **state)
{
    rbd_image_t opened = &opened;
    int is_protected;

    (void)state;
    assert_int_equal(rbd_snap_remove(image, "s"), -ENOENT);
    assert_int_equal(rbd_snap_remove2(image, "s", 0, ignore_progress, NULL), -ENOENT);
    assert_int_equal(rbd_snap_rollback(image, "s"), -ENOENT);
    assert_int_equal(rbd_snap_protect(image, "s"), -ENOENT);
    assert_int_equal(rbd_snap_unprotect(image, "s"), -ENOENT);
    assert_int_equal(rbd_snap_is_protected(image, "s", &is_protected), -ENOENT);
    assert_int_equal(rbd_open(pool, image_name, &opened, "s"), -ENOENT);
    assert_int_equal(rbd_open_read_only(pool, image_name, &opened, "s"), -ENOENT);
    assert_ptr_equal(opened, &opened);
}

static void snapshots_keep_data_and_size(void **state)
{
    rbd_image_t snapshot;
    char data[4];

    (void)state;
    assert_int_equal(do_write(image, 0, "old", 4), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(do_write(image, 0, "new", 4), 0);
    assert_int_equal(resize(image, SIZE / 2, true), 0);
    snapshot = open_read_only("s");
    assert_int_equal(size_of(snapshot), SIZE);
    assert_int_equal(do_read(snapshot, 0, data, 4), 4);
    assert_string_equal(data, "old");
    assert_int_equal(do_write(snapshot, 0, "x", 1), -EROFS);
    assert_int_equal(rbd_close(snapshot), 0);

    assert_int_equal(rbd_snap_rollback(image, "s"), 0);
    assert_int_equal(size_of(image), SIZE);
    assert_int_equal(do_read(image, 0, data, 4), 4);
    assert_string_equal(data, "old");
}

static void writable_handles_at_a_snapshot_are_half_fixed(void **state)
{
    rbd_image_t snapshot;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    snapshot = open_again("s");
    assert_int_equal(do_write(snapshot, 0, "x", 1), -EROFS);
    assert_int_equal(do_flush(snapshot), 0);
    assert_int_equal(resize(snapshot, 2 * SIZE, false), -EROFS);
    assert_int_equal(rbd_snap_rollback(snapshot, "s"), -EROFS);
    assert_int_equal(rbd_snap_protect(snapshot, "s"), 0);
    assert_int_equal(rbd_snap_unprotect(snapshot, "s"), 0);
    assert_int_equal(rbd_snap_create(snapshot, "t"), 0);
    assert_int_equal(rbd_close(snapshot), 0);
}

static void empty_snapshot_name_opens_the_image(void **state)
{
    rbd_image_t opened = open_read_only("");

    (void)state;
    assert_int_equal(size_of(opened), SIZE);
    assert_int_equal(rbd_close(opened), 0);
}

int agree_on_snapshots(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(snap_list_needs_one_more),
        WITH_IMAGE(snapshots_have_a_type),
        WITH_IMAGE(snapshot_names_can_be_odd_but_not_double),
        WITH_IMAGE(protection_is_strict),
        WITH_IMAGE(missing_snapshots_are_not_found),
        WITH_IMAGE(snapshots_keep_data_and_size),
        WITH_IMAGE(writable_handles_at_a_snapshot_are_half_fixed),
        WITH_IMAGE(empty_snapshot_name_opens_the_image),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
