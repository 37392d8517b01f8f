/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that `rbd` and QEMU read what libvdisk wrote, and that libvdisk reads what they wrote. */
#include "movers.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* Written here, read there. */

static void check_writer(mover write)
{
    static const size_t sizes[] = {ODD_SIZE, SECTOR_SIZE};

    for (size_t i = 0; i < 2; i++) {
        const char *image = new_image();
        unsigned char *data = pattern(sizes[i], i);

        create_image(image, sizes[i], 0);
        write_image(image, data, sizes[i], write);
        assert_rbd_exports(image, data, sizes[i]);
        if (sizes[i] % 512 == 0)
            assert_qemu_converts(image, data, sizes[i]);
        free(data);
    }
}

static void rbd_and_qemu_read_what_one_call_wrote(void **state)
{
    (void)state;
    check_writer(write_at_once);
}

static void rbd_and_qemu_read_what_one_call_wrote_zero_copy(void **state)
{
    (void)state;
    check_writer(write_at_once_zero_copy);
}

static void rbd_and_qemu_read_what_was_written_in_odd_pieces(void **state)
{
    (void)state;
    check_writer(write_in_pieces);
}

static void rbd_and_qemu_read_what_odd_buffers_wrote(void **state)
{
    (void)state;
    check_writer(write_vectors);
}

static void rbd_and_qemu_read_what_a_queue_wrote(void **state)
{
    (void)state;
    check_writer(write_by_queue);
}

static void rbd_and_qemu_read_what_a_queue_wrote_zero_copy(void **state)
{
    (void)state;
    check_writer(write_by_queue_zero_copy);
}

/* Written there, read here. */

static void check_reader(mover read)
{
    const char *image = new_image();
    unsigned char *data = pattern(ODD_SIZE, 5);

    import_image(image, data, ODD_SIZE, NULL);
    read_image(image, data, ODD_SIZE, read);
    free(data);
}

static void one_call_reads_what_rbd_imported(void **state)
{
    (void)state;
    check_reader(read_at_once);
}

static void one_call_reads_what_rbd_imported_zero_copy(void **state)
{
    (void)state;
    check_reader(read_at_once_zero_copy);
}

static void odd_buffers_read_what_rbd_imported(void **state)
{
    (void)state;
    check_reader(read_vectors);
}

static void a_queue_reads_what_rbd_imported(void **state)
{
    (void)state;
    check_reader(read_by_queue);
}

static void a_queue_reads_what_rbd_imported_zero_copy(void **state)
{
    (void)state;
    check_reader(read_by_queue_zero_copy);
}

static void what_qemu_img_converted_is_read_here(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SECTOR_SIZE, 6);
    const char *path = write_file("raw", data, SECTOR_SIZE);

    (void)state;
    succeed(ARGV("qemu-img", "convert", "-f", "raw", "-O", "raw", path, qemu_name(image)));
    read_image(image, data, SECTOR_SIZE, read_vectors);
    read_image(image, data, SECTOR_SIZE, read_by_queue);
    free(data);
}

static void what_qemu_io_wrote_is_read_here(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, MIB(9));

    (void)state;
    assert_non_null(data);
    RBD("create", "--size", "9M", image);
    succeed(ARGV("qemu-io", "-f", "raw", "-c", "write -P 0xab 511 70001", "-c", "write -P 0xcd 4194303 2", "-c",
                 "flush", qemu_name(image)));
    memset(data + 511, 0xab, 70001);
    memset(data + 4194303, 0xcd, 2);
    read_image(image, data, MIB(9), read_vectors);
    read_image(image, data, MIB(9), read_by_queue);
    free(data);
}

static void what_was_never_written_reads_as_zeroes(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, ODD_SIZE);

    (void)state;
    assert_non_null(data);
    create_image(image, ODD_SIZE, 0);
    read_image(image, data, ODD_SIZE, read_at_once);
    read_image(image, data, ODD_SIZE, read_by_queue_zero_copy);
    free(data);
}

static void what_was_not_written_between_writes_is_zeroes_for_all(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, SECTOR_SIZE);
    struct vdisk *disk;
    struct vdisk_error err;

    (void)state;
    assert_non_null(data);
    create_image(image, SECTOR_SIZE, 0);
    fill(data + 4000001, 300003, 1);
    fill(data + SECTOR_SIZE - 1, 1, 2);
    disk = open_disk(image, 0);
    assert_done(vdisk_pwrite(disk, data + 4000001, 300003, 4000001, 0, &err), &err);
    assert_done(vdisk_pwrite(disk, data + SECTOR_SIZE - 1, 1, SECTOR_SIZE - 1, 0, &err), &err);
    assert_disk_holds(disk, data, SECTOR_SIZE);
    close_disk(disk);
    assert_rbd_exports(image, data, SECTOR_SIZE);
    assert_qemu_converts(image, data, SECTOR_SIZE);
    free(data);
}

/* Where offsets no longer fit into 32 bits; `rbd export` of a tebibyte would take too long. */
static void bytes_far_out_are_the_same_for_qemu(void **state)
{
    const uint64_t far = UINT64_C(5) << 30, size = UINT64_C(1) << 40;
    const char *image = new_image();
    struct vdisk *disk;
    struct vdisk_error err;
    unsigned char data[8192];

    (void)state;
    create_image(image, size, MIB(32));
    disk = open_disk(image, 0);
    memset(data, 0x5a, sizeof data);
    assert_done(vdisk_pwrite(disk, data, sizeof data, far - 4097, 0, &err), &err);
    assert_done(vdisk_pwrite(disk, data, sizeof data, size - sizeof data, 0, &err), &err);
    close_disk(disk);
    succeed(ARGV("qemu-io", "-f", "raw", "-c", text("read -P 0x5a %ju 8192", (uintmax_t)far - 4097), "-c",
                 text("read -P 0x5a %ju 8192", (uintmax_t)size - 8192), "-c",
                 text("write -P 0xa5 %ju 8192", (uintmax_t)2 * far + 1), "-c", "flush", qemu_name(image)));
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    assert_done(vdisk_pread(disk, data, sizeof data, 2 * far + 1, 0, &err), &err);
    for (size_t i = 0; i < sizeof data; i++)
        assert_int_equal(data[i], 0xa5);
    close_disk(disk);
}

/* Both at the same time. */

static bool rbd_reads(const char *image, const unsigned char *data, size_t size)
{
    char *out = RBD_OUTPUT("export", image, "-");
    bool same = memcmp(out, data, size) == 0;

    free(out);
    return same;
}

static void flushed_bytes_are_read_by_rbd_while_the_disk_is_open(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(ODD_SIZE, 7);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, ODD_SIZE, 0);
    disk = open_write_back(image);
    for (uint64_t round = 0; round < 2; round++) {
        fill(data, ODD_SIZE, round);
        write_by_queue(disk, data, ODD_SIZE);
        /* Or else the flush proves nothing. */
        assert_false(rbd_reads(image, data, ODD_SIZE));
        assert_done(vdisk_flush(disk, &err), &err);
        assert_true(rbd_reads(image, data, ODD_SIZE));
    }
    close_disk(disk);
    free(data);
}

static void bytes_not_flushed_are_read_by_rbd_once_the_disk_is_closed(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(ODD_SIZE, 19);
    struct vdisk *disk;

    (void)state;
    create_image(image, ODD_SIZE, 0);
    disk = open_write_back(image);
    write_by_queue(disk, data, ODD_SIZE);
    assert_false(rbd_reads(image, data, ODD_SIZE));
    close_disk(disk);
    assert_rbd_exports(image, data, ODD_SIZE);
    free(data);
}

/* The exclusive lock goes to QEMU and comes back. */
static void two_writers_in_turn_see_each_others_bytes(void **state)
{
    const char *image = new_image();
    unsigned char *data = calloc(1, MIB(6));
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    assert_non_null(data);
    create_image(image, MIB(6), 0);
    disk = open_disk(image, 0);
    for (int round = 1; round <= 3; round++) {
        memset(data + 1000, round, 5000);
        assert_done(vdisk_pwrite(disk, data + 1000, 5000, 1000, 0, &err), &err);
        succeed(ARGV("qemu-io", "-f", "raw", "-c", text("read -P %d 1000 5000", round), "-c",
                     text("write -P %d 4194000 1000", round + 100), "-c", "flush", qemu_name(image)));
        memset(data + 4194000, round + 100, 1000);
        assert_disk_holds(disk, data, MIB(6));
    }
    close_disk(disk);
    free(data);
}

/* Clones. */

static const char *clone_of(const char *parent)
{
    const char *child = new_image();

    RBD("snap", "create", text("%s@base", parent));
    RBD("snap", "protect", text("%s@base", parent));
    RBD("clone", text("%s@base", parent), child);
    return child;
}

static void a_clone_is_read_here(void **state)
{
    const char *parent = new_image();
    unsigned char *data = pattern(ODD_SIZE, 11);
    const char *child;

    (void)state;
    import_image(parent, data, ODD_SIZE, NULL);
    child = clone_of(parent);
    read_image(child, data, ODD_SIZE, read_at_once);
    read_image(child, data, ODD_SIZE, read_by_queue);
    free(data);
}

static void writing_to_a_clone_keeps_the_rest_of_it_and_its_parent(void **state)
{
    const char *parent = new_image();
    unsigned char *original = pattern(ODD_SIZE, 12), *changed = pattern(ODD_SIZE, 12);
    struct vdisk_error err;
    struct vdisk *disk;
    const char *child;

    (void)state;
    import_image(parent, original, ODD_SIZE, NULL);
    child = clone_of(parent);
    fill(changed + 4194000, 1001, 13);
    fill(changed + 9000000, 1, 14);
    disk = open_disk(child, 0);
    assert_done(vdisk_pwrite(disk, changed + 4194000, 1001, 4194000, 0, &err), &err);
    assert_done(vdisk_pwrite(disk, changed + 9000000, 1, 9000000, 0, &err), &err);
    assert_disk_holds(disk, changed, ODD_SIZE);
    close_disk(disk);
    assert_rbd_exports(child, changed, ODD_SIZE);
    assert_rbd_exports(parent, original, ODD_SIZE);
    free(original);
    free(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rbd_and_qemu_read_what_one_call_wrote),
        TEST(rbd_and_qemu_read_what_one_call_wrote_zero_copy),
        TEST(rbd_and_qemu_read_what_was_written_in_odd_pieces),
        TEST(rbd_and_qemu_read_what_odd_buffers_wrote),
        TEST(rbd_and_qemu_read_what_a_queue_wrote),
        TEST(rbd_and_qemu_read_what_a_queue_wrote_zero_copy),
        TEST(one_call_reads_what_rbd_imported),
        TEST(one_call_reads_what_rbd_imported_zero_copy),
        TEST(odd_buffers_read_what_rbd_imported),
        TEST(a_queue_reads_what_rbd_imported),
        TEST(a_queue_reads_what_rbd_imported_zero_copy),
        TEST(what_qemu_img_converted_is_read_here),
        TEST(what_qemu_io_wrote_is_read_here),
        TEST(what_was_never_written_reads_as_zeroes),
        TEST(what_was_not_written_between_writes_is_zeroes_for_all),
        TEST(bytes_far_out_are_the_same_for_qemu),
        TEST(flushed_bytes_are_read_by_rbd_while_the_disk_is_open),
        TEST(bytes_not_flushed_are_read_by_rbd_once_the_disk_is_closed),
        TEST(two_writers_in_turn_see_each_others_bytes),
        TEST(a_clone_is_read_here),
        TEST(writing_to_a_clone_keeps_the_rest_of_it_and_its_parent),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
