/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "movers.h"

#include <stdlib.h>

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
    reap_all(queue);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

void write_by_queue(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, true, 0);
}

void write_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, true, VDISK_IO_ZERO_COPY);
}

void read_by_queue(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, false, 0);
}

void read_by_queue_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    move_by_queue(disk, data, size, false, VDISK_IO_ZERO_COPY);
}

void write_at_once(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, 0, &err), &err);
}

void write_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, data, size, 0, VDISK_IO_ZERO_COPY, &err), &err);
}

void read_at_once(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pread(disk, data, size, 0, 0, &err), &err);
}

void read_at_once_zero_copy(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct vdisk_error err;

    assert_done(vdisk_pread(disk, data, size, 0, VDISK_IO_ZERO_COPY, &err), &err);
}

void write_in_pieces(struct vdisk *disk, unsigned char *data, size_t size)
{
    const size_t piece = 1234567;
    struct vdisk_error err;

    for (size_t at = 0; at < size; at += piece)
        assert_done(vdisk_pwrite(disk, data + at, size - at < piece ? size - at : piece, at, 0, &err), &err);
}

void write_vectors(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct iovec iov[IOV_LIMIT];
    struct vdisk_error err;

    assert_done(vdisk_pwritev(disk, iov, cut(iov, data, size), 0, 0, &err), &err);
}

void read_vectors(struct vdisk *disk, unsigned char *data, size_t size)
{
    struct iovec iov[IOV_LIMIT];
    struct vdisk_error err;

    assert_done(vdisk_preadv(disk, iov, cut(iov, data, size), 0, 0, &err), &err);
}

void write_image(const char *image, unsigned char *data, size_t size, mover write)
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

void read_image(const char *image, const unsigned char *expected, size_t size, mover read)
{
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    check_reading(disk, expected, size, read);
    close_disk(disk);
}
