/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Renaming images. */
#include "image_helpers.h"

#include <errno.h>

static void an_image_has_its_new_name(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_image_write("p", "", "i", 0, "abc", 3);
    assert_int_equal(rename_image(IMAGE_URI, "j", &err), 0);
    assert_int_equal(err.code, 0);
    assert_false(fake_image_exists("p", "", "i"));
    assert_true(fake_image_exists("p", "", "j"));
    check_nothing_left();
    assert_true(fake_signals_blocked("rbd_rename"));
}

static void it_stays_in_its_namespace(void **state)
{
    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "k", MIB);
    assert_int_equal(rename_image("rbd:p/n/k", "i", NULL), 0);
    assert_true(fake_image_exists("p", "n", "i"));
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

/* It is a name, and no URI. */
static void any_bytes_are_a_name(void **state)
{
    (void)state;
    assert_int_equal(rename_image(IMAGE_URI, "a/b@c:d\\ \xff", NULL), 0);
    assert_true(fake_image_exists("p", "", "a/b@c:d\\ \xff"));
}

static void an_empty_name_is_refused(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(rename_image(IMAGE_URI, "", &err), -EINVAL);
    assert_says(&err, -EINVAL, "new name of the image is empty");
    assert_int_equal(rename_image(IMAGE_URI, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "new name of the image is empty");
    assert_int_equal(fake_calls(NULL), 0);
}

static void a_name_that_is_taken_is_told(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_create_image("p", "", "j", MIB);
    assert_int_equal(rename_image(IMAGE_URI, "j", &err), -EEXIST);
    assert_says(&err, -EEXIST, "There is an image \"j\" in pool \"p\" already.");
    assert_int_equal(rename_image(IMAGE_URI, "i", &err), -EEXIST);
    assert_int_equal(fake_image_size("p", "", "j"), MIB);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

static void a_missing_image_is_named(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(rename_image("rbd:p/none", "j", &err), -ENOENT);
    assert_says(&err, -ENOENT, "There is no image \"none\" in pool \"p\".");
}

static void a_uri_with_a_snapshot_is_refused(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(rename_image("rbd:p/i@s", "j", &err), -EINVAL);
    assert_says(&err, -EINVAL, "image to rename must not name a snapshot, but it names \"s\"");
    assert_int_equal(rename_image("rbd:p/i:log_file=/tmp/x", "j", &err), -EPERM);
    assert_int_equal(vdisk_rename(NULL, "j", NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
    assert_int_equal(fake_calls(NULL), 0);
}

static void any_other_error_is_told_as_it_is(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_rename", 1, EROFS);
    assert_int_equal(rename_image(IMAGE_URI, "j", &err), -EROFS);
    assert_says(&err, -EROFS, "Renaming image \"i\" in pool \"p\" failed: Read-only file system.");
    check_nothing_left();
}

/* Those who have it open go on, under the name they know. */
static void an_open_disk_goes_on(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info;
    char data[3];

    assert_int_equal(rename_image(IMAGE_URI, "j", NULL), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    fake_image_read("p", "", "j", NULL, 0, data, 3);
    assert_memory_equal(data, "abc", 3);
    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, NULL), 0);
    assert_string_equal(info.image, "i");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_image_has_its_new_name),
        TEST(it_stays_in_its_namespace),
        TEST(any_bytes_are_a_name),
        TEST(an_empty_name_is_refused),
        TEST(a_name_that_is_taken_is_told),
        TEST(a_missing_image_is_named),
        TEST(a_uri_with_a_snapshot_is_refused),
        TEST(any_other_error_is_told_as_it_is),
        cmocka_unit_test_setup_teardown(an_open_disk_goes_on, set_up_disk, tear_down_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
