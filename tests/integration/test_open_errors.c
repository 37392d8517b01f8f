/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that an error of opening names the pool, namespace, image or snapshot that is missing. */
#include "openings.h"
#include "support.h"

#include <errno.h>
#include <string.h>

/* Opens the disk with this path in its URI and the cluster's conf, which must fail with -ENOENT. */
static void must_not_find(const char *path, uint32_t flags, const char *const fragments[])
{
    struct vdisk_open_options options = default_options(flags);

    must_not_open(text("rbd:%s", path), &options, -ENOENT, fragments);
}

static void a_missing_pool_is_named(void **state)
{
    (void)state;
    must_not_find("nowhere/image", 0, FRAGMENTS("pool", "nowhere"));
    must_not_find("nowhere/image", VDISK_OPEN_READ_ONLY, FRAGMENTS("pool", "nowhere"));
}

static void a_missing_namespace_is_named(void **state)
{
    (void)state;
    must_not_find("rbd/nowhere/image", 0, FRAGMENTS("namespace", "nowhere", "pool", "rbd"));
}

static void a_missing_image_is_named(void **state)
{
    (void)state;
    must_not_find("rbd/no such image", 0, FRAGMENTS("image", "no such image", "rbd"));
    must_not_find("rbd/no such image", VDISK_OPEN_READ_ONLY, FRAGMENTS("image", "no such image", "rbd"));
}

static void an_image_of_another_namespace_is_missing(void **state)
{
    const char *image = plain_image(), *namespace = new_namespace();

    (void)state;
    must_not_find(text("%s/%s", namespace, base_name(image)), 0,
                  FRAGMENTS("image", base_name(image), base_name(namespace)));
}

static void a_missing_snapshot_is_named(void **state)
{
    const char *image = plain_image();

    (void)state;
    must_not_find(text("%s@no such one", image), VDISK_OPEN_READ_ONLY,
                  FRAGMENTS("snapshot", "no such one", base_name(image)));
}

static void of_a_snapshot_of_a_missing_image_the_image_is_named(void **state)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    assert_failed(vdisk_open_uri(&disk, "rbd:rbd/missing@snap", &options, &err), -ENOENT, &err,
                  FRAGMENTS("no image", "missing"));
    assert_null(strstr(err.message, "snap"));
}

static void a_snapshot_without_read_only_is_refused(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = default_options(0);

    (void)state;
    RBD("snap", "create", text("%s@snap", image));
    must_not_open(text("rbd:%s@snap", image), &options, -EROFS, FRAGMENTS("snap", "VDISK_OPEN_READ_ONLY"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_pool_is_named),
        TEST(a_missing_namespace_is_named),
        TEST(a_missing_image_is_named),
        TEST(an_image_of_another_namespace_is_missing),
        TEST(a_missing_snapshot_is_named),
        TEST(of_a_snapshot_of_a_missing_image_the_image_is_named),
        TEST(a_snapshot_without_read_only_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
