/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests the changes of an open disk's snapshots: what each does, what it refuses, and what its errors say. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "fake.h"

/* The changes, as one kind of call. */
static const struct change {
    int (*call)(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);
    const char *function;
    const char *doing;
} changes[] = {
    {vdisk_snapshot_create, "rbd_snap_create", "Creating"},
    {vdisk_snapshot_remove, "rbd_snap_remove2", "Removing"},
    {vdisk_snapshot_rollback, "rbd_snap_rollback_with_progress", "Rolling back to"},
    {vdisk_snapshot_protect, "rbd_snap_protect", "Protecting"},
    {vdisk_snapshot_unprotect, "rbd_snap_unprotect", "Unprotecting"},
};

#define CHANGES (sizeof changes / sizeof *changes)

/* Changes. */

static void creating_keeps_what_was_written(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    fake_image_read("p", "", "i", "s", 0, data, 3);
    assert_memory_equal(data, "abc", 3);
}

static void a_snapshot_can_be_opened_and_read(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    disk = open_disk("rbd:p/i@s", VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

static void removing_removes(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    take_snapshot("t");
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), -ENOENT);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "t", 0, NULL), 0);
}

static void rolling_back_brings_data_and_size_back_at_once(void **state)
{
    const struct fixture *fixture = *state;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    take_snapshot("s");
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_true(fake_wait_idle());
    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_snapshot_rollback(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(fixture->disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
}

static void protecting_keeps_from_removal(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), -EBUSY);
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), 0);
}

static void each_change_is_one_call_of_librbd(void **state)
{
    const struct fixture *fixture = *state;
    static const size_t order[] = {0, 3, 4, 2, 1};

    for (size_t i = 0; i < CHANGES; i++) {
        const struct change *change = &changes[order[i]];

        assert_int_equal(change->call(fixture->disk, "s", 0, NULL), 0);
        assert_int_equal(fake_calls(change->function), 1);
    }
}

/* What is said. */

static void a_missing_snapshot_is_named(void **state)
{
    const struct fixture *fixture = *state;

    for (size_t i = 1; i < CHANGES; i++) {
        struct vdisk_error err;
        char sentence[128];

        snprintf(sentence, sizeof sentence, "%s snapshot \"none\" of image \"i\" failed: there is no such snapshot.",
                 changes[i].doing);
        assert_int_equal(changes[i].call(fixture->disk, "none", 0, &err), -ENOENT);
        assert_says(&err, -ENOENT, sentence);
    }
}

static void an_existing_snapshot_is_named(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -EEXIST);
    assert_says(&err, -EEXIST, "Creating snapshot \"s\" of image \"i\" failed: there is such a snapshot already.");
}

static void what_busy_and_invalid_mean_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "Unprotecting snapshot \"s\" of image \"i\" failed: it is not protected.");
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Protecting snapshot \"s\" of image \"i\" failed: it is protected already.");
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Removing snapshot \"s\" of image \"i\" failed: it is protected or clones depend on it.");
    fake_fail_call("rbd_snap_unprotect", 1, EBUSY);
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Unprotecting snapshot \"s\" of image \"i\" failed: clones depend on it.");
}

static void any_other_error_is_told_as_it_is(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        fake_fail_call(changes[i].function, 1, EIO);
        assert_int_equal(changes[i].call(fixture->disk, "s", 0, &err), -EIO);
        assert_says(&err, -EIO, "snapshot \"s\" of image \"i\" failed: Input/output error.");
    }
    fake_fail_call("rbd_snap_create", 1, EBUSY);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "failed: Device or resource busy.");
    fake_fail_call("rbd_snap_protect", 1, EINVAL);
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "failed: Invalid argument.");
}

static void a_fenced_client_is_told(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    fake_blocklist();
    for (size_t i = 1; i < CHANGES; i++)
        assert_int_equal(changes[i].call(fixture->disk, "s", 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "t", 0, NULL), -ESHUTDOWN);
}

/* What is refused. */

static void assert_nothing_was_changed(unsigned int before)
{
    assert_int_equal(fake_calls(NULL), before);
}

static void a_name_is_needed(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(fixture->disk, NULL, 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "name of the snapshot is empty");
        assert_int_equal(changes[i].call(fixture->disk, "", 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "name of the snapshot is empty");
    }
    assert_nothing_was_changed(before);
}

static void flags_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(fixture->disk, "s", 1, &err), -EINVAL);
        assert_says(&err, -EINVAL, "flags 0x1 ");
    }
    assert_nothing_was_changed(before);
}

static void a_read_only_disk_is_not_changed(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(disk, "s", 0, &err), -EROFS);
        assert_says(&err, -EROFS, "snapshots of image \"i\" is not possible: it is open read-only");
    }
    assert_nothing_was_changed(before);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(creating_keeps_what_was_written),
        TEST(a_snapshot_can_be_opened_and_read),
        TEST(removing_removes),
        TEST(rolling_back_brings_data_and_size_back_at_once),
        TEST(protecting_keeps_from_removal),
        TEST(each_change_is_one_call_of_librbd),
        TEST(a_missing_snapshot_is_named),
        TEST(an_existing_snapshot_is_named),
        TEST(what_busy_and_invalid_mean_is_said),
        TEST(any_other_error_is_told_as_it_is),
        TEST(a_fenced_client_is_told),
        TEST(a_name_is_needed),
        TEST(flags_are_refused),
        TEST(a_read_only_disk_is_not_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
