/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests images with objects of other sizes and with striping: `rbd` and libvdisk agree about them. */
#include "movers.h"
#include "support.h"

#include <stdlib.h>

struct layout {
    const char *size;
    uint64_t object_size;
    size_t image_size;
};

static const struct layout layouts[] = {
    {"4K", KIB(4), KIB(300) + 1},
    {"64K", KIB(64), KIB(3000) + 77},
    {"1M", MIB(1), MIB(7) + 4095},
    {"32M", MIB(32), MIB(33) + 5},
};

static void objects_of_all_sizes_are_read_by_rbd(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const char *image = new_image();
        unsigned char *data = pattern(layouts[i].image_size, i);

        create_image(image, layouts[i].image_size, layouts[i].object_size);
        write_image(image, data, layouts[i].image_size, i % 2 ? write_by_queue : write_at_once);
        assert_rbd_exports(image, data, layouts[i].image_size);
        free(data);
    }
}

static void objects_of_all_sizes_are_read_here(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const char *image = new_image();
        unsigned char *data = pattern(layouts[i].image_size, i);

        import_image(image, data, layouts[i].image_size, ARGV("--object-size", layouts[i].size));
        read_image(image, data, layouts[i].image_size, i % 2 ? read_at_once : read_by_queue);
        free(data);
    }
}

#define STRIPING "--object-size", "64K", "--stripe-unit", "4K", "--stripe-count", "3"

static void a_striped_image_is_read_by_rbd(void **state)
{
    const char *image = new_image();
    size_t size = MIB(3) + 1;
    unsigned char *data = pattern(size, 8);

    (void)state;
    RBD("create", "--size", text("%zuB", size), STRIPING, image);
    write_image(image, data, size, write_by_queue);
    assert_rbd_exports(image, data, size);
    fill(data, size, 9);
    write_image(image, data, size, write_vectors);
    assert_rbd_exports(image, data, size);
    free(data);
}

static void a_striped_image_is_read_here(void **state)
{
    const char *image = new_image();
    size_t size = MIB(3) + 1;
    unsigned char *data = pattern(size, 10);

    (void)state;
    import_image(image, data, size, ARGV(STRIPING));
    read_image(image, data, size, read_by_queue);
    read_image(image, data, size, read_vectors);
    free(data);
}

static void info_agrees_with_rbd_info(void **state)
{
    const char *image = new_image();
    struct vdisk_info info;
    struct vdisk_error err;
    struct vdisk *disk;
    char *json;

    (void)state;
    RBD("create", "--size", "3000001B", STRIPING, image);
    json = RBD_OUTPUT("info", image, "--format", "json");
    disk = open_disk(image, 0);
    vdisk_info_init(&info, sizeof info);
    assert_done(vdisk_get_info(&info, disk, &err), &err);
    assert_int_equal(info.size, json_number(json, "size"));
    assert_int_equal(info.object_size, json_number(json, "object_size"));
    assert_int_equal(info.stripe_unit, json_number(json, "stripe_unit"));
    assert_int_equal(info.stripe_count, json_number(json, "stripe_count"));
    assert_string_equal(info.image_id, json_string(json, "id"));
    assert_string_equal(info.image, json_string(json, "name"));
    assert_string_equal(info.pool, "rbd");
    assert_string_equal(info.name_space, "");
    assert_null(info.snapshot);
    assert_int_equal(info.read_only, 0);
    close_disk(disk);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(objects_of_all_sizes_are_read_by_rbd),
        TEST(objects_of_all_sizes_are_read_here),
        TEST(a_striped_image_is_read_by_rbd),
        TEST(a_striped_image_is_read_here),
        TEST(info_agrees_with_rbd_info),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
