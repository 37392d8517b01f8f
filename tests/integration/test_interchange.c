/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes written through libvdisk are what Ceph's and QEMU's own tools read, and the other way round.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A multiple of nothing; and one of 512 only, since QEMU 7.2 aborts on an image that ends inside a sector. */
#define ODD_SIZE (MIB(10) + 4097)
#define SECTOR_SIZE (MIB(10) + 4608)

#define IOV_LIMIT 64

/* Cuts `size` bytes into buffers of sizes that are multiples of nothing, empty ones among them. */
static int cut(struct iovec iov[IOV_LIMIT], unsigned char *data, size_t size)
{
    static const size_t sizes[] = {1, 511, 0, 4096, 4097, 65537, 3, 100003, 0, 8192};
    int count = 0;

    for (size_t at = 0; at < size; count++) {
        size_t piece = sizes[(size_t)count % (sizeof sizes / sizeof *sizes)];

        if (piece > size - at || count == IOV_LIMIT - 1)
            piece = size - at;
        iov[count] = (struct iovec){data + at, piece};
        at += piece;
    }
    return count;
}

/* Ways to move the whole of a disk, from or to `data`. */
typedef void (*mover)(struct vdisk *disk, unsigned char *data, size_t size);

static void move_by_queue(struct vdisk *disk, unsigned char *data, size_t size, bool write, uint32_t flags)
{
    struct vdisk_queue *queue = new_queue(8);
    const size_t piece = 300007;
    struct iovec iov[IOV_LIMIT];

    for (size_t at = 0; at < size; at += piece) {
        int count = cut(iov, data + at, size - at < piece ? size - at : piece);

        if (vdisk_queue_in_flight(queue) == 8)
            assert_int_equal(wait_one(queue).result, 0);
        assert_int_equal((write ? vdisk_aio_writev : vdisk_aio_readv)(queue, disk, iov, count, at, flags, NULL), 0);
    }
    while (vdisk_queue_in_flight(queue) > 0)
        assert_int_equal(wait_one(queue).result, 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void write_by_queue(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, true, 0);
}

static void write_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, true, VDISK_IO_ZERO_COPY);
}

static void read_by_queue(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, false, 0);
}

static void read_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, false, VDISK_IO_ZERO_COPY);
}

static void write_at_once(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, 0, &err), &err);
}

static void write_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, VDISK_IO_ZERO_COPY, &err), &err);
}

static void read_at_once(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pread(disk, data, size, 0, 0, &err), &err);
}

static void read_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pread(disk, data, size, 0, VDISK_IO_ZERO_COPY, &err), &err);
}

static void write_in_pieces(struct vdisk *disk, unsigned char *data, size_t size)
{
    const size_t piece = 1234567;
    struct vdisk_error err;

    for (size_t at = 0; at < size; at += piece)
        assert_done(vdisk_pwrite(disk, data + at, size - at < piece ? size - at : piece, at, 0, &err), &err);
}

static void write_vectors(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct iovec iov[IOV_LIMIT];
    struct vdisk_error err;

    assert_done(vdisk_pwritev(disk, iov, cut(iov, data, size), 0, 0, &err), &err);
}

static void read_vectors(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct iovec iov[IOV_LIMIT];
    struct vdisk_error err;

    assert_done(vdisk_preadv(disk, iov, cut(iov, data, size), 0, 0, &err), &err);
}

static void write_image(const char *image, unsigned char *data, size_t size, mover write)
{
    struct vdisk *disk = open_disk(image, 0);

    write(disk, data, size);
    close_disk(disk);
}

static void check_reading(struct vdisk *disk, const unsigned char *expected, size_t size, mover read)
{
    unsigned char *data = pattern(size, 99);

    assert_int_equal(vdisk_get_size(disk), size);
    read(disk, data, size);
    assert_bytes(data, expected, size, "libvdisk");
    free(data);
}

static void read_image(const char *image, const unsigned char *expected, size_t size, mover read)
{
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    check_reading(disk, expected, size, read);
    close_disk(disk);
}

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

/* Layouts. */

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

/* Names. */

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
        TEST(objects_of_all_sizes_are_read_by_rbd),
        TEST(objects_of_all_sizes_are_read_here),
        TEST(a_striped_image_is_read_by_rbd),
        TEST(a_striped_image_is_read_here),
        TEST(info_agrees_with_rbd_info),
        TEST(a_clone_is_read_here),
        TEST(writing_to_a_clone_keeps_the_rest_of_it_and_its_parent),
        TEST(an_image_in_a_namespace_is_read_by_rbd_and_qemu),
        TEST(an_image_in_a_namespace_is_read_here),
        TEST(images_of_one_name_in_two_namespaces_are_two),
        TEST(a_name_made_of_separators_is_the_same_image_for_qemu),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
