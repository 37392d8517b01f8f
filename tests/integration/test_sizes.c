/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sizes: of images, as created and resized here and by others, and of the objects they are cut into.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How often read-only disks look here; the default would make for slow tests. */
#define POLL_MS 20

static struct vdisk *open_polling(const char *spec)
{
    struct vdisk_open_options options = default_options(VDISK_OPEN_READ_ONLY);

    options.size_poll_ms = POLL_MS;
    return open_disk_with(spec, &options);
}

static uint64_t size_for_rbd(const char *spec)
{
    char *json = RBD_OUTPUT("info", spec, "--format", "json");
    uint64_t size = json_number(json, "size");

    free(json);
    return size;
}

static void resize(struct vdisk *disk, uint64_t size, uint32_t flags)
{
    struct vdisk_error err;

    assert_done(vdisk_resize(disk, size, flags, &err), &err);
    /* At once, without waiting for anything. */
    assert_int_equal(vdisk_get_size(disk), size);
}

static void resize_from_outside(const char *spec, size_t size)
{
    RBD("resize", "--allow-shrink", "--size", text("%zuB", size), spec);
}

static void write_at(struct vdisk *disk, const void *data, size_t size, uint64_t offset)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, offset, 0, &err), &err);
}

/* Resizing here. */

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

/* Of a disk whose image goes away, the size stays what it was: nobody can tell a better one. */
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

/* Creating. */

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
