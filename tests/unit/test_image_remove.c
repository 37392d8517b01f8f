/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing images, and who keeps them from being removed. */
#include "image_helpers.h"

#include <errno.h>
#include <stdio.h>

static void assert_kept(int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(remove_image(IMAGE_URI, &err), code);
    assert_says(&err, code, part);
    assert_true(fake_image_exists("p", "", "i"));
}

static void an_image_is_gone_after_it(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(remove_image(IMAGE_URI, &err), 0);
    assert_int_equal(err.code, 0);
    assert_false(fake_image_exists("p", "", "i"));
    check_nothing_left();
    assert_true(fake_signals_blocked("rados_connect"));
    assert_true(fake_signals_blocked("rbd_remove_with_progress"));
}

static void only_the_one_of_its_namespace_is(void **state)
{
    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", MIB);
    assert_int_equal(remove_image("rbd:p/n/i", NULL), 0);
    assert_false(fake_image_exists("p", "n", "i"));
    assert_true(fake_image_exists("p", "", "i"));
}

static void a_missing_image_is_named(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_create_namespace("p", "n");
    assert_int_equal(remove_image("rbd:p/none", &err), -ENOENT);
    assert_says(&err, -ENOENT, "There is no image \"none\" in pool \"p\".");
    assert_int_equal(remove_image("rbd:p/n/none", &err), -ENOENT);
    assert_says(&err, -ENOENT, "There is no image \"none\" in namespace \"n\" of pool \"p\".");
    assert_int_equal(remove_image("rbd:none/i", &err), -ENOENT);
    assert_says(&err, -ENOENT, "no pool \"none\"");
    check_nothing_left();
}

/* What librbd left of an image when its removal was broken off cannot be opened, but can be removed. */
static void the_rest_of_an_image_goes_too(void **state)
{
    (void)state;
    fake_fail_call("rbd_open_read_only", 1, ENOENT);
    assert_int_equal(remove_image(IMAGE_URI, NULL), 0);
    assert_false(fake_image_exists("p", "", "i"));
}

static void a_uri_with_a_snapshot_is_refused(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(remove_image("rbd:p/i@s", &err), -EINVAL);
    assert_says(&err, -EINVAL, "image to remove must not name a snapshot, but it names \"s\"");
    assert_int_equal(fake_calls(NULL), 0);
}

static void the_uris_policy_holds(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(remove_image("rbd:p/i:log_file=/tmp/x", &err), -EPERM);
    assert_says(&err, -EPERM, "\"log_file\"");
    assert_int_equal(fake_calls(NULL), 0);
}

static void flags_of_an_opening_are_refused(void **state)
{
    struct vdisk_open_options connect;
    struct vdisk_uri *uri = parse(IMAGE_URI);
    struct vdisk_error err;

    (void)state;
    vdisk_open_options_init(&connect, sizeof connect);
    connect.flags = VDISK_OPEN_READ_ONLY;
    assert_int_equal(vdisk_remove(uri, &connect, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x1 ");
    assert_int_equal(vdisk_remove(NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
    vdisk_uri_free(uri);
}

/* Snapshots. */

static void snapshots_keep_an_image_and_are_named(void **state)
{
    (void)state;
    take_snapshot("monday");
    assert_kept(-ENOTEMPTY, "Image \"i\" has snapshots, which must be removed first: \"monday\".");
    take_snapshot("tuesday");
    assert_kept(-ENOTEMPTY, ": \"monday\", \"tuesday\".");
    assert_int_equal(fake_calls("rbd_remove_with_progress"), 0);
}

static void of_many_snapshots_some_are_named(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[32];

        snprintf(name, sizeof name, "snapshot-%d", i);
        take_snapshot(name);
    }
    assert_kept(-ENOTEMPTY, ": \"snapshot-0\", \"snapshot-1\", ");
    assert_kept(-ENOTEMPTY, " more.");
}

static void ceph_s_own_snapshots_keep_it_too(void **state)
{
    (void)state;
    fake_create_snapshot("p", "", "i", "ceph's", RBD_SNAP_NAMESPACE_TYPE_TRASH);
    assert_kept(-ENOTEMPTY, "Image \"i\" has 1 snapshots that Ceph keeps for clones, groups or mirroring");
    take_snapshot("mine");
    assert_kept(-ENOTEMPTY, "removed first: \"mine\".");
}

/* Who has it open. */

static void those_who_have_it_open_keep_it_and_are_named(void **state)
{
    (void)state;
    assert_kept(-EBUSY, "Image \"i\" is in use by \"127.0.0.1:0/");
    assert_int_equal(fake_calls("rbd_remove_with_progress"), 0);
}

static void readers_do_not(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    assert_int_equal(remove_image(IMAGE_URI, NULL), 0);
    close_disk(disk);
}

/* librbd itself would fence it. */
static void a_client_that_does_not_answer_keeps_it(void **state)
{
    (void)state;
    fake_freeze_client("p", "", "i");
    assert_kept(-EBUSY, "\"192.0.2.1:0/7\"");
    for (int i = 0; i < 20; i++)
        fake_freeze_client("p", "", "i");
    assert_kept(-EBUSY, " more: close it there first. A client that died");
    assert_int_equal(fake_calls("rbd_remove_with_progress"), 0);
}

/* What librbd says. */

static int remove_now(void *argument)
{
    return remove_image(IMAGE_URI, argument);
}

static void who_comes_in_between_is_named(void **state)
{
    struct background background;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    fake_block_call("rbd_remove_with_progress");
    start_background(&background, remove_now, &err);
    assert_true(fake_wait_blocked("rbd_remove_with_progress"));
    disk = open_disk(IMAGE_URI, 0);
    fake_unblock_call("rbd_remove_with_progress");
    assert_int_equal(end_background(&background), -EBUSY);
    assert_says(&err, -EBUSY, "Image \"i\" is in use by \"127.0.0.1:0/");
    close_disk(disk);
}

static void what_nobody_can_explain_is_told_as_it_is(void **state)
{
    (void)state;
    fake_fail_call("rbd_remove_with_progress", 1, EBUSY);
    assert_kept(-EBUSY, "Removing image \"i\" in pool \"p\" failed: Device or resource busy.");
    fake_fail_call("rbd_remove_with_progress", 1, EIO);
    assert_kept(-EIO, "Removing image \"i\" in pool \"p\" failed: Input/output error.");
    fake_fail_call("rbd_remove_with_progress", 1, EMLINK);
    assert_kept(-EMLINK, "Image \"i\" belongs to a group");
    fake_fail_call("rbd_open_read_only", 1, EIO);
    assert_kept(-EIO, "Opening image \"i\" in pool \"p\" failed: ");
    fake_fail_call("rbd_snap_list", 1, EIO);
    assert_kept(-EIO, "Listing the snapshots of image \"i\" in pool \"p\" failed: ");
    fake_fail_call("rbd_watchers_list", 1, EIO);
    assert_kept(-EIO, "Listing the watchers of image \"i\" in pool \"p\" failed: ");
    check_nothing_left();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define TEST_OPEN(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_image_is_gone_after_it),
        TEST(only_the_one_of_its_namespace_is),
        TEST(a_missing_image_is_named),
        TEST(the_rest_of_an_image_goes_too),
        TEST(a_uri_with_a_snapshot_is_refused),
        TEST(the_uris_policy_holds),
        TEST(flags_of_an_opening_are_refused),
        TEST(snapshots_keep_an_image_and_are_named),
        TEST(of_many_snapshots_some_are_named),
        TEST(ceph_s_own_snapshots_keep_it_too),
        TEST_OPEN(those_who_have_it_open_keep_it_and_are_named),
        TEST(readers_do_not),
        TEST(a_client_that_does_not_answer_keeps_it),
        TEST(who_comes_in_between_is_named),
        TEST(what_nobody_can_explain_is_told_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
