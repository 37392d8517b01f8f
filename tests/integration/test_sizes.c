/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that a disk notices when others resize its image, and that a snapshot keeps its size. */
#include "resizing.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

/* Resizing from outside. */

static void growing_from_outside_is_noticed(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, MIB(9));
    struct vdisk *disk;

    (void)state;
    assert_non_null(data);
    create_image(image, MIB(3), 0);
    disk = open_disk(image, 0);
    resize_from_outside(image, MIB(9));
    wait_for_size(disk, MIB(9));
    fill(data + MIB(2), MIB(7), 6);
    write_at(disk, data + MIB(2), MIB(7), MIB(2));
    assert_disk_holds(disk, data, MIB(9));
    close_disk(disk);
    assert_rbd_exports(image, data, MIB(9));
    free(data);
}

static void shrinking_from_outside_is_noticed(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(9), 7);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(9), NULL);
    disk = open_disk(image, 0);
    resize_from_outside(image, MIB(3) + 1);
    wait_for_size(disk, MIB(3) + 1);
    assert_disk_holds(disk, data, MIB(3) + 1);
    assert_failed(vdisk_pwrite(disk, data, 2, MIB(3), 0, &err), -EINVAL, &err, FRAGMENTS(base_name(image)));
    close_disk(disk);
    free(data);
}

/* With the exclusive lock held here, the other client's resize is carried out by this process. */
static void the_lock_owner_notices_a_resize_asked_for_elsewhere(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(3), 0);
    disk = open_disk(image, 0);
    write_at(disk, "x", 1, 0);
    resize_from_outside(image, MIB(30) + 5);
    wait_for_size(disk, MIB(30) + 5);
    resize_from_outside(image, MIB(2) + 5);
    wait_for_size(disk, MIB(2) + 5);
    close_disk(disk);
}

static void a_resize_by_another_disk_of_this_process_is_noticed(void **state)
{
    const char *image = new_image();
    struct vdisk *first, *second;

    (void)state;
    create_image(image, MIB(3), 0);
    first = open_disk(image, 0);
    second = open_disk(image, 0);
    resize(first, MIB(11), 0);
    wait_for_size(second, MIB(11));
    resize(second, MIB(4), VDISK_RESIZE_SHRINK);
    wait_for_size(first, MIB(4));
    close_disk(first);
    close_disk(second);
}

/* Read-only disks. */

/* How often read-only disks look here; the default would make for slow tests. */
#define POLL_MS 20

static struct vdisk *open_polling(const char *spec)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);

    options.size_poll_ms = POLL_MS;
    return open_disk_with(spec, &options);
}

static void a_read_only_disk_notices_growing(void **state)
{
    const char *image = new_image();
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(3), 0);
    disk = open_polling(image);
    resize_from_outside(image, MIB(9) + 4097);
    wait_for_size(disk, MIB(9) + 4097);
    close_disk(disk);
}

static void a_read_only_disk_reads_what_was_written_beyond_its_old_end(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(9), 8);
    struct vdisk *reader, *writer;

    (void)state;
    create_image(image, MIB(3), 0);
    reader = open_polling(image);
    writer = open_disk(image, 0);
    resize(writer, MIB(9), 0);
    write_at(writer, data, MIB(9), 0);
    close_disk(writer);
    wait_for_size(reader, MIB(9));
    assert_disk_holds(reader, data, MIB(9));
    close_disk(reader);
    free(data);
}

static void a_read_only_disk_notices_shrinking(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(9), 9);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(9), NULL);
    disk = open_polling(image);
    resize_from_outside(image, MIB(3) + 1);
    wait_for_size(disk, MIB(3) + 1);
    assert_disk_holds(disk, data, MIB(3) + 1);
    assert_failed(vdisk_pread(disk, data, 2, MIB(3), 0, &err), -EINVAL, &err, FRAGMENTS(base_name(image)));
    close_disk(disk);
    free(data);
}

/* Requests that are under way when the disk turns to the new size stay valid. */
static void reads_go_on_while_a_read_only_disk_changes_its_size(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(2), 10), *read = pattern(MIB(2), 11);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    import_image(image, data, MIB(2), NULL);
    disk = open_polling(image);
    for (size_t i = 1; i <= 5; i++) {
        resize_from_outside(image, MIB(2) + i);
        do {
            assert_done(vdisk_pread(disk, read, MIB(2), 0, 0, &err), &err);
        } while (vdisk_get_size(disk) != MIB(2) + i);
        assert_bytes(read, data, MIB(2), "vdisk_pread");
        fill(read, MIB(2), i);
    }
    close_disk(disk);
    free(data);
    free(read);
}

/* The size stays what it was when the image goes away: nobody can tell a better one. */
static void a_read_only_disk_whose_image_is_removed_keeps_its_size(void **state)
{
    const char *image = new_image(), *witness = new_image();
    struct vdisk *disk, *other;
    struct vdisk_error err;
    char byte;

    (void)state;
    create_image(image, MIB(3), 0);
    create_image(witness, MIB(3), 0);
    disk = open_polling(image);
    RBD("rm", image);
    /* By the time that another disk has polled, this one has tried to. */
    other = open_polling(witness);
    for (size_t i = 1; i <= 3; i++) {
        resize_from_outside(witness, MIB(3) + i);
        wait_for_size(other, MIB(3) + i);
    }
    assert_int_equal(vdisk_get_size(disk), MIB(3));
    assert_done(vdisk_pread(disk, &byte, 1, MIB(3) - 1, 0, &err), &err);
    close_disk(other);
    close_disk(disk);
}

static void a_read_only_disk_is_not_fooled_by_a_new_image_of_its_name(void **state)
{
    const char *image = new_image(), *witness = new_image();
    struct vdisk *disk, *other;

    (void)state;
    create_image(image, MIB(3), 0);
    create_image(witness, MIB(3), 0);
    disk = open_polling(image);
    RBD("rm", image);
    create_image(image, MIB(7), 0);
    other = open_polling(witness);
    for (size_t i = 1; i <= 3; i++) {
        resize_from_outside(witness, MIB(3) + i);
        wait_for_size(other, MIB(3) + i);
    }
    assert_int_equal(vdisk_get_size(disk), MIB(3));
    close_disk(other);
    close_disk(disk);
}

/* Snapshots. */

static void a_snapshot_has_the_size_it_was_taken_at(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(5) + 3, 12);
    struct vdisk *disk, *snapshot;
    struct vdisk_error err;

    (void)state;
    import_image(image, data, MIB(5) + 3, NULL);
    disk = open_disk(image, 0);
    assert_done(vdisk_snapshot_create(disk, "before", 0, &err), &err);
    resize(disk, MIB(1), VDISK_RESIZE_SHRINK);
    resize(disk, MIB(20), 0);
    snapshot = open_polling(text("%s@before", image));
    assert_disk_holds(snapshot, data, MIB(5) + 3);
    assert_rbd_exports(text("%s@before", image), data, MIB(5) + 3);
    close_disk(snapshot);
    close_disk(disk);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(growing_from_outside_is_noticed),
        TEST(shrinking_from_outside_is_noticed),
        TEST(the_lock_owner_notices_a_resize_asked_for_elsewhere),
        TEST(a_resize_by_another_disk_of_this_process_is_noticed),
        TEST(a_read_only_disk_notices_growing),
        TEST(a_read_only_disk_reads_what_was_written_beyond_its_old_end),
        TEST(a_read_only_disk_notices_shrinking),
        TEST(reads_go_on_while_a_read_only_disk_changes_its_size),
        TEST(a_read_only_disk_whose_image_is_removed_keeps_its_size),
        TEST(a_read_only_disk_is_not_fooled_by_a_new_image_of_its_name),
        TEST(a_snapshot_has_the_size_it_was_taken_at),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
