/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests vdisk_resize: the size and the bytes afterwards, and what is refused. */
#include "resizing.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void growing_shows_at_once_here_and_at_rbd(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(3), 0);
    disk = open_disk(image, 0);
    resize(disk, MIB(50) + 4097, 0);
    assert_int_equal(size_for_rbd(image), MIB(50) + 4097);
    close_disk(disk);
}

static void what_growing_added_is_zeroes_that_can_be_written(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, MIB(9));
    struct vdisk *disk;

    (void)state;
    assert_non_null(data);
    create_image(image, MIB(3) + 5, 0);
    fill(data, MIB(3) + 5, 1);
    disk = open_disk(image, 0);
    write_at(disk, data, MIB(3) + 5, 0);
    resize(disk, MIB(9), 0);
    assert_disk_holds(disk, data, MIB(9));
    fill(data + MIB(9) - 3001, 3001, 2);
    write_at(disk, data + MIB(9) - 3001, 3001, MIB(9) - 3001);
    close_disk(disk);
    assert_rbd_exports(image, data, MIB(9));
    free(data);
}

static void shrinking_without_the_flag_is_refused(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(5), 3);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(5), NULL);
    disk = open_disk(image, 0);
    assert_failed(vdisk_resize(disk, MIB(5) - 1, 0, &err), -EINVAL, &err, FRAGMENTS("VDISK_RESIZE_SHRINK"));
    assert_int_equal(vdisk_get_size(disk), MIB(5));
    assert_rbd_exports(image, data, MIB(5));
    close_disk(disk);
    free(data);
}

static void shrinking_with_the_flag_cuts_off_the_end(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(9), 4);
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(9), NULL);
    disk = open_disk(image, 0);
    resize(disk, MIB(4) + 4097, VDISK_RESIZE_SHRINK);
    assert_disk_holds(disk, data, MIB(4) + 4097);
    assert_rbd_exports(image, data, MIB(4) + 4097);
    close_disk(disk);
    free(data);
}

static void what_was_cut_off_does_not_come_back_by_growing(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(9), 5);
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(9), NULL);
    disk = open_disk(image, 0);
    resize(disk, 1000001, VDISK_RESIZE_SHRINK);
    resize(disk, MIB(9), 0);
    memset(data + 1000001, 0, MIB(9) - 1000001);
    assert_disk_holds(disk, data, MIB(9));
    assert_rbd_exports(image, data, MIB(9));
    close_disk(disk);
    free(data);
}

static void shrinking_to_nothing_leaves_no_byte_to_read(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;
    struct vdisk *disk;
    char byte;

    (void)state;
    create_image(image, MIB(5), 0);
    disk = open_disk(image, 0);
    resize(disk, 0, VDISK_RESIZE_SHRINK);
    assert_failed(vdisk_pread(disk, &byte, 1, 0, 0, &err), -EINVAL, &err, FRAGMENTS(base_name(image)));
    assert_done(vdisk_pread(disk, &byte, 0, 0, 0, &err), &err);
    assert_int_equal(size_for_rbd(image), 0);
    close_disk(disk);
}

static void resizing_to_the_same_size_needs_no_flag(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(5) + 3, 0);
    disk = open_disk(image, 0);
    resize(disk, MIB(5) + 3, 0);
    close_disk(disk);
}

/* Neither may undo what the other has added. */
static void of_two_growers_the_smaller_is_refused(void **state)
{
    const char *image = new_image();
    struct vdisk *first, *second;
    struct vdisk_error err;

    (void)state;
    create_image(image, MIB(1), 0);
    first = open_disk(image, 0);
    second = open_disk(image, 0);
    resize(first, MIB(30), 0);
    /* Whether or not `second` has heard of it already. */
    assert_failed(vdisk_resize(second, MIB(20), 0, &err), -EINVAL, &err, FRAGMENTS("VDISK_RESIZE_SHRINK"));
    assert_int_equal(size_for_rbd(image), MIB(30));
    wait_for_size(second, MIB(30));
    close_disk(first);
    close_disk(second);
}

static void a_read_only_disk_cannot_be_resized(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(1), 0);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    assert_failed(vdisk_resize(disk, MIB(2), 0, &err), -EROFS, &err, FRAGMENTS(base_name(image), "read-only"));
    assert_int_equal(size_for_rbd(image), MIB(1));
    close_disk(disk);
}

static void an_unknown_resize_flag_is_refused(void **state)
{
    const char *image = new_image();
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(1), 0);
    disk = open_disk(image, 0);
    assert_failed(vdisk_resize(disk, MIB(2), 1u << 31, &err), -EINVAL, &err, FRAGMENTS("80000000"));
    assert_int_equal(vdisk_get_size(disk), MIB(1));
    close_disk(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(growing_shows_at_once_here_and_at_rbd),
        TEST(what_growing_added_is_zeroes_that_can_be_written),
        TEST(shrinking_without_the_flag_is_refused),
        TEST(shrinking_with_the_flag_cuts_off_the_end),
        TEST(what_was_cut_off_does_not_come_back_by_growing),
        TEST(shrinking_to_nothing_leaves_no_byte_to_read),
        TEST(resizing_to_the_same_size_needs_no_flag),
        TEST(of_two_growers_the_smaller_is_refused),
        TEST(a_read_only_disk_cannot_be_resized),
        TEST(an_unknown_resize_flag_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
