/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests vdisk_create: the sizes of images and of their objects, and what is refused. */
#include "resizing.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int create(const char *spec, uint64_t size, uint64_t object_size, struct vdisk_error *err)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_create_options options;
    struct vdisk_uri *uri;
    int r;

    vdisk_create_options_init(&options, sizeof options);
    options.object_size = object_size;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", spec), err), err);
    r = vdisk_create(uri, size, &options, &connect, err);
    vdisk_uri_free(uri);
    return r;
}

static void images_are_created_with_the_size_and_object_size_asked_for(void **state)
{
    static const uint64_t object_sizes[] = {4096, 8192, 65536, 1048576, 33554432};

    (void)state;
    for (size_t i = 0; i < sizeof object_sizes / sizeof *object_sizes; i++) {
        const char *image = new_image();
        struct vdisk_error err;
        char *json;

        assert_done(create(image, 1000003 * (i + 1), object_sizes[i], &err), &err);
        json = RBD_OUTPUT("info", image, "--format", "json");
        assert_int_equal(json_number(json, "size"), 1000003 * (i + 1));
        assert_int_equal(json_number(json, "object_size"), object_sizes[i]);
        free(json);
    }
}

static void without_an_object_size_the_clusters_own_is_taken(void **state)
{
    const char *image = new_image(), *by_rbd = new_image();
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_error err;
    struct vdisk_uri *uri;
    char *here, *there;

    (void)state;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", image), &err), &err);
    assert_done(vdisk_create(uri, MIB(1), NULL, &connect, &err), &err);
    vdisk_uri_free(uri);
    RBD("create", "--size", "1M", by_rbd);
    here = RBD_OUTPUT("info", image, "--format", "json");
    there = RBD_OUTPUT("info", by_rbd, "--format", "json");
    assert_int_equal(json_number(here, "object_size"), json_number(there, "object_size"));
    free(here);
    free(there);
}

static void images_of_no_bytes_and_of_a_tebibyte_can_be_created(void **state)
{
    static const uint64_t sizes[] = {0, 1, UINT64_C(1) << 40};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *image = new_image();
        struct vdisk_error err;
        struct vdisk *disk;

        assert_done(create(image, sizes[i], MIB(32), &err), &err);
        disk = open_disk(image, 0);
        assert_int_equal(vdisk_get_size(disk), sizes[i]);
        close_disk(disk);
        assert_int_equal(size_for_rbd(image), sizes[i]);
    }
}

static void wrong_object_sizes_are_refused_and_create_nothing(void **state)
{
    static const uint64_t object_sizes[] = {1, 2048, 4095, 4097, 12288, 33554433, 67108864, UINT64_C(1) << 63};
    const char *image = new_image();
    struct vdisk_error err;
    char *list;

    (void)state;
    for (size_t i = 0; i < sizeof object_sizes / sizeof *object_sizes; i++)
        assert_failed(create(image, MIB(1), object_sizes[i], &err), -EINVAL, &err, FRAGMENTS("object size"));
    list = RBD_OUTPUT("ls", "rbd", "--format", "json");
    assert_null(strstr(list, text("\"%s\"", base_name(image))));
    free(list);
}

static void creating_an_image_that_exists_is_refused_and_changes_nothing(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(1), 13);
    struct vdisk_error err;

    (void)state;
    import_image(image, data, MIB(1), NULL);
    assert_failed(create(image, MIB(2), 0, &err), -EEXIST, &err, FRAGMENTS(base_name(image), "rbd"));
    assert_rbd_exports(image, data, MIB(1));
    free(data);
}

static void creating_with_a_snapshot_in_the_uri_is_refused(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;
    char *list;

    (void)state;
    assert_failed(create(text("%s@snap", image), MIB(1), 0, &err), -EINVAL, &err, FRAGMENTS("snap"));
    list = RBD_OUTPUT("ls", "rbd", "--format", "json");
    assert_null(strstr(list, text("\"%s\"", base_name(image))));
    free(list);
}

static void creating_in_a_pool_or_namespace_that_is_missing_names_it(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_failed(create("nowhere/image", MIB(1), 0, &err), -ENOENT, &err, FRAGMENTS("pool", "nowhere"));
    assert_failed(create("rbd/nowhere/image", MIB(1), 0, &err), -ENOENT, &err, FRAGMENTS("namespace", "nowhere"));
}

static void creating_read_only_is_refused(void **state)
{
    struct vdisk_open_options connect = default_options(VDISK_OPEN_READ_ONLY);
    const char *image = new_image();
    struct vdisk_error err;
    struct vdisk_uri *uri;

    (void)state;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", image), &err), &err);
    assert_failed(vdisk_create(uri, MIB(1), NULL, &connect, &err), -EINVAL, &err, FRAGMENTS("flags"));
    vdisk_uri_free(uri);
    assert_int_not_equal(RBD_STATUS("info", image), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(images_are_created_with_the_size_and_object_size_asked_for),
        TEST(without_an_object_size_the_clusters_own_is_taken),
        TEST(images_of_no_bytes_and_of_a_tebibyte_can_be_created),
        TEST(wrong_object_sizes_are_refused_and_create_nothing),
        TEST(creating_an_image_that_exists_is_refused_and_changes_nothing),
        TEST(creating_with_a_snapshot_in_the_uri_is_refused),
        TEST(creating_in_a_pool_or_namespace_that_is_missing_names_it),
        TEST(creating_read_only_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
