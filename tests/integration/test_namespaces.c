/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests images in namespaces, and an image with separators of the URI in its name. */
#include "movers.h"
#include "support.h"

#include <stdlib.h>

static void an_image_in_a_namespace_is_read_by_rbd_and_qemu(void **state)
{
    const char *image = new_image_in(new_namespace());
    unsigned char *data = pattern(SECTOR_SIZE, 15);

    (void)state;
    create_image(image, SECTOR_SIZE, 0);
    write_image(image, data, SECTOR_SIZE, write_by_queue);
    assert_rbd_exports(image, data, SECTOR_SIZE);
    assert_qemu_converts(image, data, SECTOR_SIZE);
    free(data);
}

static void an_image_in_a_namespace_is_read_here(void **state)
{
    const char *image = new_image_in(new_namespace());
    unsigned char *data = pattern(ODD_SIZE, 16);
    struct vdisk_info info;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, ODD_SIZE, NULL);
    disk = open_disk(image, 0);
    assert_disk_holds(disk, data, ODD_SIZE);
    vdisk_info_init(&info, sizeof info);
    assert_done(vdisk_get_info(&info, disk, &err), &err);
    assert_string_equal(text("%s/%s/%s", info.pool, info.name_space, info.image), image);
    close_disk(disk);
    free(data);
}

static void images_of_one_name_in_two_namespaces_are_two(void **state)
{
    const char *first = new_image_in(new_namespace());
    const char *second = text("rbd/%s", base_name(first));
    unsigned char *data = pattern(MIB(1), 17), *zeroes = calloc(1, MIB(1));

    (void)state;
    assert_non_null(zeroes);
    create_image(first, MIB(1), 0);
    create_image(second, MIB(1), 0);
    write_image(first, data, MIB(1), write_at_once);
    read_image(second, zeroes, MIB(1), read_at_once);
    RBD("rm", second);
    free(data);
    free(zeroes);
}

/* The `rbd` tool knows no escapes and cannot name such an image, nor remove it; QEMU can. */
static void a_name_made_of_separators_is_the_same_image_for_qemu(void **state)
{
    const char *image = text("%s\\@with\\:odd\\/name\\\\and=blank ", new_image());
    unsigned char *data = pattern(SECTOR_SIZE, 18);

    (void)state;
    create_image(image, SECTOR_SIZE, 0);
    write_image(image, data, SECTOR_SIZE, write_at_once);
    assert_qemu_converts(image, data, SECTOR_SIZE);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_in_a_namespace_is_read_by_rbd_and_qemu),
        TEST(an_image_in_a_namespace_is_read_here),
        TEST(images_of_one_name_in_two_namespaces_are_two),
        TEST(a_name_made_of_separators_is_the_same_image_for_qemu),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
