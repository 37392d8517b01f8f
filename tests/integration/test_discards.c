/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Discards and zeroes on a cluster: what Ceph's and QEMU's tools read afterwards, and how much space they see used.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT MIB(1)
#define SIZE MIB(16)

/* An image with small objects, full of a pattern. */
static const char *full_image(unsigned char **data)
{
    const char *image = new_image();

    *data = pattern(SIZE, 1);
    import_image(image, *data, SIZE, ARGV("--object-size", "1M"));
    return image;
}

static uint64_t used(const char *image)
{
    char *json = RBD_OUTPUT("du", "--format", "json", image);
    uint64_t bytes = json_number(json, "used_size");

    free(json);
    return bytes;
}

static struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;
    struct vdisk_error err;

    vdisk_info_init(&info, sizeof info);
    assert_done(vdisk_get_info(&info, disk, &err), &err);
    return info;
}

static int discard_on_queue(struct vdisk *disk, uint64_t length, uint64_t offset)
{
    struct vdisk_queue *queue = new_queue(1);
    int r;

    assert_int_equal(vdisk_aio_discard(queue, disk, length, offset, 0, NULL), 0);
    r = wait_one(queue).result;
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    return r;
}

static int zero_on_queue(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags)
{
    struct vdisk_queue *queue = new_queue(1);
    int r;

    assert_int_equal(vdisk_aio_write_zeroes(queue, disk, length, offset, flags, NULL), 0);
    r = wait_one(queue).result;
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    return r;
}

/* Discards. */

static void a_discard_gives_space_back(void **state)
{
    unsigned char *data;
    const char *image = full_image(&data);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(used(image), SIZE);
    assert_int_equal(discard_on_queue(disk, 4 * OBJECT, OBJECT), 0);
    assert_int_equal(used(image), SIZE - 4 * OBJECT);
    assert_done(vdisk_discard(disk, SIZE - 8 * OBJECT, 8 * OBJECT, 0, &err), &err);
    assert_int_equal(used(image), 4 * OBJECT);
    close_disk(disk);
    memset(data + OBJECT, 0, 4 * OBJECT);
    memset(data + 8 * OBJECT, 0, SIZE - 8 * OBJECT);
    assert_rbd_exports(image, data, SIZE);
    free(data);
}

/* What is not freed is what was there: a discard is no way to write zeroes. */
static void an_odd_discard_frees_its_granules(void **state)
{
    unsigned char *data;
    const char *image = full_image(&data);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(info_of(disk).discard_granularity, KIB(64));
    assert_done(vdisk_discard(disk, KIB(64), 1, 0, &err), &err);
    assert_int_equal(discard_on_queue(disk, KIB(200), 3 * OBJECT - KIB(100)), 0);
    close_disk(disk);
    memset(data + 3 * OBJECT - KIB(64), 0, KIB(128));
    assert_rbd_exports(image, data, SIZE);
    assert_qemu_converts(image, data, SIZE);
    free(data);
}

/* Discards some of the units that vdisk_info tells of, and looks for them. */
static void check_granules(const char *image, uint64_t granularity)
{
    const uint64_t some = SIZE / granularity < 32 ? SIZE / granularity : 32;
    unsigned char *data = pattern(SIZE, 2);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    assert_int_equal(info_of(disk).discard_granularity, granularity);
    assert_done(vdisk_pwrite(disk, data, SIZE, 0, 0, &err), &err);
    for (uint64_t unit = 1; unit < some; unit += 2) {
        assert_done(vdisk_discard(disk, granularity, unit * granularity, 0, &err), &err);
        memset(data + unit * granularity, 0, granularity);
    }
    close_disk(disk);
    assert_rbd_exports(image, data, SIZE);
    free(data);
}

static void granularity_of_stripes_is_told(void **state)
{
    const char *narrow = new_image(), *wide = new_image();

    (void)state;
    RBD("create", "--size", "16M", "--object-size", "1M", "--stripe-unit", "16K", "--stripe-count", "5", narrow);
    check_granules(narrow, 5 * KIB(64));
    RBD("create", "--size", "16M", "--object-size", "1M", "--stripe-unit", "64K", "--stripe-count", "3", wide);
    check_granules(wide, KIB(64));
}

static void granularity_of_the_images_own_configuration_is_told(void **state)
{
    const char *image = new_image();

    (void)state;
    RBD("create", "--size", "16M", "--object-size", "1M", image);
    RBD("config", "image", "set", image, "rbd_discard_granularity_bytes", "262144");
    check_granules(image, KIB(256));
    RBD("config", "image", "set", image, "rbd_skip_partial_discard", "false");
    check_granules(image, 1);
}

/* Zeroes. */

static void zeroes_are_what_everybody_reads(void **state)
{
    static const uint32_t flags[] = {0, VDISK_WRITE_ZEROES_THICK, VDISK_IO_FUA};
    unsigned char *data;
    const char *image = full_image(&data);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;
    uint64_t random = 5;

    (void)state;
    for (int i = 0; i < 24; i++) {
        uint64_t offset = next_random(&random) % SIZE, length = next_random(&random) % (SIZE / 8);

        if (length > SIZE - offset)
            length = SIZE - offset;
        if (i % 2)
            assert_done(vdisk_write_zeroes(disk, length, offset, flags[i % 3], &err), &err);
        else
            assert_int_equal(zero_on_queue(disk, length, offset, flags[i % 3]), 0);
        memset(data + offset, 0, length);
        assert_disk_holds(disk, data, SIZE);
    }
    close_disk(disk);
    assert_rbd_exports(image, data, SIZE);
    assert_qemu_converts(image, data, SIZE);
    free(data);
}

static void thin_zeroes_free_space_and_thick_ones_take_it(void **state)
{
    unsigned char *data;
    const char *image = full_image(&data);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(zero_on_queue(disk, SIZE, 0, 0), 0);
    assert_int_equal(used(image), 0);
    assert_done(vdisk_write_zeroes(disk, 4 * OBJECT, OBJECT, VDISK_WRITE_ZEROES_THICK, &err), &err);
    assert_int_equal(used(image), 4 * OBJECT);
    assert_int_equal(zero_on_queue(disk, SIZE, 0, VDISK_WRITE_ZEROES_THICK), 0);
    assert_int_equal(used(image), SIZE);
    close_disk(disk);
    succeed(ARGV("qemu-io", "-r", "-f", "raw", "-c", "read -P 0 0 16M", qemu_name(image)));
    free(data);
}

/* Where freeing would let the parent's data through. */
static void zeroes_hide_what_a_clone_has_from_its_parent(void **state)
{
    unsigned char *data, *cloned = calloc(1, SIZE);
    const char *parent = full_image(&data), *image = new_image();
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    assert_non_null(cloned);
    RBD("snap", "create", "--no-progress", text("%s@base", parent));
    RBD("clone", "--rbd-default-clone-format", "2", text("%s@base", parent), image);
    memcpy(cloned, data, SIZE);
    disk = open_disk(image, 0);
    assert_done(vdisk_write_zeroes(disk, 2 * OBJECT + 11, OBJECT - 3, 0, &err), &err);
    memset(cloned + OBJECT - 3, 0, 2 * OBJECT + 11);
    assert_int_equal(zero_on_queue(disk, 100, 7 * OBJECT + 5, 0), 0);
    memset(cloned + 7 * OBJECT + 5, 0, 100);
    assert_int_equal(zero_on_queue(disk, OBJECT, 9 * OBJECT, VDISK_WRITE_ZEROES_THICK), 0);
    memset(cloned + 9 * OBJECT, 0, OBJECT);
    close_disk(disk);
    assert_rbd_exports(image, cloned, SIZE);
    assert_rbd_exports(parent, data, SIZE);
    free(cloned);
    free(data);
}

/* Long ones: several pieces inside, and objects that are not there. */

static void long_ranges_are_done_to_their_end(void **state)
{
    const uint64_t far = UINT64_C(3) << 30;
    const char *image = new_image();
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    RBD("create", "--size", "4G", image);
    disk = open_disk(image, 0);
    for (uint64_t at = 0; at <= far; at += far / 24)
        assert_done(vdisk_pwrite(disk, "data", 4, at, 0, &err), &err);
    assert_int_equal(used(image), 25 * MIB(4));
    assert_int_equal(zero_on_queue(disk, VDISK_MAX_WRITE_ZEROES, 0, 0), 0);
    assert_int_equal(used(image), 17 * MIB(4));
    assert_int_equal(discard_on_queue(disk, VDISK_MAX_DISCARD, VDISK_MAX_WRITE_ZEROES), 0);
    assert_int_equal(used(image), 9 * MIB(4));
    assert_done(vdisk_write_zeroes(disk, far, 4, 0, &err), &err);
    assert_int_equal(used(image), MIB(4));
    assert_done(vdisk_discard(disk, far + MIB(4), 0, 0, &err), &err);
    assert_int_equal(used(image), 0);
    close_disk(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_discard_gives_space_back),
        TEST(an_odd_discard_frees_its_granules),
        TEST(granularity_of_stripes_is_told),
        TEST(granularity_of_the_images_own_configuration_is_told),
        TEST(zeroes_are_what_everybody_reads),
        TEST(thin_zeroes_free_space_and_thick_ones_take_it),
        TEST(zeroes_hide_what_a_clone_has_from_its_parent),
        TEST(long_ranges_are_done_to_their_end),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
