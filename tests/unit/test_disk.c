/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests vdisk_get_info, and that every call refuses NULL in the place of a disk. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"

/* Information. */

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    assert_int_equal(info.struct_size, sizeof info);
    assert_int_equal(info.size, vdisk_get_size(disk));
    return info;
}

static void info_of_an_image(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info = info_of(fixture->disk);

    assert_int_equal(info.size, IMAGE_SIZE);
    assert_int_equal(info.object_size, 4 * MIB);
    assert_int_equal(info.stripe_unit, 4 * MIB);
    assert_int_equal(info.stripe_count, 1);
    assert_true(info.features & RBD_FEATURE_EXCLUSIVE_LOCK);
    assert_int_equal(info.max_request, VDISK_MAX_REQUEST);
    assert_int_equal(info.optimal_io, 4 * MIB);
    assert_string_equal(info.pool, "p");
    assert_string_equal(info.name_space, "");
    assert_string_equal(info.image, "i");
    assert_null(info.snapshot);
    assert_true(info.image_id[0]);
    assert_int_equal(info.read_only, 0);
    assert_int_equal(info.cache_mode, VDISK_CACHE_NONE);
}

static void info_of_a_snapshot(void **state)
{
    struct vdisk_info info;
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "j", MIB);
    fake_create_snapshot("p", "n", "j", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_resize_image("p", "n", "j", 2 * MIB, false);
    disk = open_disk("rbd:p/n/j@s", VDISK_OPEN_READ_ONLY);
    info = info_of(disk);
    assert_int_equal(info.size, MIB);
    assert_string_equal(info.name_space, "n");
    assert_string_equal(info.image, "j");
    assert_string_equal(info.snapshot, "s");
    assert_int_equal(info.read_only, 1);
    close_disk(disk);
}

static void info_of_a_striped_image(void **state)
{
    struct vdisk_create_options create;
    struct vdisk_info info;
    struct vdisk_uri *uri;
    struct vdisk *disk;

    (void)state;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = 64 * KIB;
    assert_int_equal(vdisk_uri_parse(&uri, "rbd:p/small", NULL), 0);
    assert_int_equal(vdisk_create(uri, MIB, &create, NULL, NULL), 0);
    assert_int_equal(vdisk_open(&disk, uri, NULL, NULL), 0);
    /* What the disk says of itself is its own. */
    vdisk_uri_free(uri);
    info = info_of(disk);
    assert_int_equal(info.object_size, 64 * KIB);
    assert_int_equal(info.stripe_unit, 64 * KIB);
    assert_int_equal(info.optimal_io, 64 * KIB);
    assert_string_equal(info.image, "small");
    close_disk(disk);
}

static void an_image_of_the_old_format_has_no_id(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_fail_call("rbd_get_id", 1, EINVAL);
    disk = open_disk(IMAGE_URI, 0);
    assert_string_equal(info_of(disk).image_id, "");
    close_disk(disk);
}

static void asking_calls_nothing_of_cephs(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);

    for (int i = 0; i < 100; i++)
        info_of(fixture->disk);
    assert_int_equal(fake_calls(NULL), before);
}

static void an_info_that_was_not_set_up_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_info info;
    struct vdisk_error err;

    memset(&info, 0, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, &err), -EINVAL);
    assert_says(&err, -EINVAL, "vdisk_info_init");
    info.struct_size = sizeof info - 1;
    assert_int_equal(vdisk_get_info(&info, fixture->disk, &err), -EINVAL);
    assert_int_equal(info.size, 0);
}

static void a_longer_info_is_filled_as_far_as_it_is_known(void **state)
{
    const struct fixture *fixture = *state;
    struct {
        struct vdisk_info known;
        unsigned char unknown[16];
    } info;

    vdisk_info_init(&info.known, sizeof info);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vdisk_get_info(&info.known, fixture->disk, NULL), 0);
        assert_int_equal(info.known.struct_size, sizeof info);
        assert_int_equal(info.known.size, IMAGE_SIZE);
        assert_true(is_zero(info.unknown, sizeof info.unknown));
    }
    info.unknown[0] = 1;
    assert_int_equal(vdisk_get_info(&info.known, fixture->disk, NULL), -E2BIG);
}

/* NULL. */

static void null_is_refused_everywhere(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;
    struct vdisk_info info;
    size_t count;
    char byte;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(NULL, fixture->disk, NULL), -EINVAL);
    assert_int_equal(vdisk_get_info(&info, NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_get_size(NULL), 0);
    assert_int_equal(vdisk_close(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_acknowledge_loss(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_resize(NULL, MIB, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_flush(NULL, NULL), -EINVAL);
    assert_int_equal(vdisk_pread(NULL, &byte, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_pwrite(NULL, &byte, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_snapshot_create(NULL, "s", 0, NULL), -EINVAL);
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, NULL, NULL), -EINVAL);
}

static void a_null_disk_is_told_of(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_close(NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "disk is NULL");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(info_of_an_image),
        TEST(info_of_a_snapshot),
        TEST(info_of_a_striped_image),
        TEST(an_image_of_the_old_format_has_no_id),
        DISK_TEST(asking_calls_nothing_of_cephs),
        DISK_TEST(an_info_that_was_not_set_up_is_refused),
        DISK_TEST(a_longer_info_is_filled_as_far_as_it_is_known),
        DISK_TEST(null_is_refused_everywhere),
        DISK_TEST(a_null_disk_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
