/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests vdisk_resize: the disk shrinks only on request, and an error says why the size stays. */
#include "disk_fixture.h"

#include <errno.h>

#include "fake.h"

static void growing_is_seen_at_once(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE + 1, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE + 1);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE + 1);
}

static void the_size_may_stay_what_it_is(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
}

static void shrinking_unasked_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE - 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "67108863 bytes is smaller than the current 67108864 bytes; give VDISK_RESIZE_SHRINK");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

static void shrinking_on_purpose_is_seen_at_once(void **state)
{
    const struct fixture *fixture = *state;

    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
    assert_int_equal(fake_image_size("p", "", "i"), 512);
    assert_int_equal(vdisk_resize(fixture->disk, 0, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), 0);
}

static void growing_behind_our_back_does_not_become_shrinking(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_resize_image("p", "", "i", IMAGE_SIZE + 1000, false);
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE + 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "67108865 bytes is smaller than the current 67109864 bytes");
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE + 1000);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE + 1000);
}

static void too_large_a_size_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_resize(fixture->disk, (uint64_t)INT64_MAX + 1, 0, &err), -EFBIG);
    assert_says(&err, -EFBIG, "9223372036854775808 bytes");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    assert_int_equal(vdisk_resize(fixture->disk, INT64_MAX, 0, NULL), 0);
}

static void unknown_flags_of_a_resize_are_refused(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK | 2, NULL), -EINVAL);
    assert_int_equal(fake_calls("rbd_resize2"), 0);
}

static void a_read_only_disk_is_not_resized(void **state)
{
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_resize(disk, 2 * IMAGE_SIZE, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "Resizing image \"i\" is not possible: it is open read-only");
    assert_int_equal(fake_calls("rbd_resize2"), 0);
    close_disk(disk);
}

static void a_failed_resize_is_told_with_its_error(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_fail_call("rbd_resize2", 1, EDQUOT);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, &err), -EDQUOT);
    assert_says(&err, -EDQUOT, "Resizing image \"i\" to 134217728 bytes failed: ");
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    /* -EINVAL can mean that it would shrink, but not here. */
    fake_fail_call("rbd_resize2", 1, EINVAL);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "Resizing image \"i\" to 134217728 bytes failed: ");
}

static void a_fenced_client_cannot_resize(void **state)
{
    struct fixture *fixture = *state;

    fake_blocklist();
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), -ESHUTDOWN);
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(growing_is_seen_at_once),
        DISK_TEST(the_size_may_stay_what_it_is),
        DISK_TEST(shrinking_unasked_is_refused),
        DISK_TEST(shrinking_on_purpose_is_seen_at_once),
        DISK_TEST(growing_behind_our_back_does_not_become_shrinking),
        DISK_TEST(too_large_a_size_is_refused),
        DISK_TEST(unknown_flags_of_a_resize_are_refused),
        TEST(a_read_only_disk_is_not_resized),
        DISK_TEST(a_failed_resize_is_told_with_its_error),
        DISK_TEST(a_fenced_client_cannot_resize),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
