/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests requests on a queue: their ranges, their buffers, and what a flush covers. */
#include "queue_disk.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ranges. */

static void ranges_that_leave_the_disk_are_refused_whole(void **state)
{
    static const struct {
        uint64_t offset;
        size_t length;
    } ranges[] = {
        {SIZE, 1},
        {SIZE - 1, 2},
        {0, SIZE + 1},
        {SIZE - 1000, 1001},
        {SIZE + 100, 1},
        {UINT64_MAX, 1},
        {UINT64_MAX, 2},
        {UINT64_MAX - 3, 4},
        {SIZE - 1, SIZE},
        {INT64_MAX, 1000},
        {UINT64_C(1) << 63, 512},
    };
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *buffer = pattern(SIZE + 1, 6), *same = pattern(SIZE + 1, 6);
    struct vdisk_error err;

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t offset = ranges[i].offset;
        size_t length = ranges[i].length;

        for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
            assert_int_equal(read_into(queue, fixture.disk, buffer, length, offset, flags), -EINVAL);
            assert_int_equal(write_from(queue, fixture.disk, buffer, length, offset, flags), -EINVAL);
            assert_failed(vdisk_pread(fixture.disk, buffer, length, offset, flags, &err), -EINVAL, &err,
                          FRAGMENTS(base_name(fixture.image)));
            assert_failed(vdisk_pwrite(fixture.disk, buffer, length, offset, flags, &err), -EINVAL, &err,
                          FRAGMENTS(base_name(fixture.image)));
        }
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_bytes(buffer, same, SIZE + 1, "the buffer of refused requests");
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end_queue(queue);
    take_down_disk(&fixture);
    free(buffer);
    free(same);
}

static void the_last_byte_of_the_disk_is_inside(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char byte = 0;

    (void)state;
    assert_int_equal(read_into(queue, fixture.disk, &byte, 1, SIZE - 1, 0), 0);
    reap_all(queue);
    assert_int_equal(byte, fixture.data[SIZE - 1]);
    byte ^= 0xff;
    fixture.data[SIZE - 1] = byte;
    assert_int_equal(write_from(queue, fixture.disk, &byte, 1, SIZE - 1, 0), 0);
    reap_all(queue);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end_queue(queue);
    take_down_disk(&fixture);
}

static void requests_of_no_bytes_complete_and_do_nothing(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(16);
    struct iovec empty[3] = {{NULL, 0}, {fixture.data, 0}, {NULL, 0}};
    static const uint64_t offsets[] = {0, 1, SIZE - 1, SIZE};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, NULL, 0, offsets[i], 0, NULL), 0);
        assert_int_equal(vdisk_aio_writev(queue, fixture.disk, empty, 3, offsets[i], 0, NULL), 0);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, empty, 3, offsets[i], VDISK_IO_ZERO_COPY, NULL), 0);
    }
    assert_true(is_readable(queue, PATIENCE_MS));
    assert_int_equal(vdisk_queue_in_flight(queue), 12);
    reap_all(queue);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end_queue(queue);
    take_down_disk(&fixture);
}

static void a_request_of_as_many_buffers_as_allowed_moves_every_byte(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(1024 * 7, 7);
    struct iovec iov[1025];

    (void)state;
    for (size_t i = 0; i < 1025; i++)
        iov[i] = (struct iovec){read + (i % 1024) * 7, 7};
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        memset(read, 0, 1024 * 7);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 1024, 4191235, flags, NULL), 0);
        reap_all(queue);
        assert_bytes(read, fixture.data + 4191235, 1024 * 7, "read");
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 1025, 0, flags, NULL), -EINVAL);
    }
    end_queue(queue);
    take_down_disk(&fixture);
    free(read);
}

static void reading_what_was_never_written_overwrites_the_buffer_with_zeroes(void **state)
{
    const char *image = new_image();
    unsigned char *read = pattern(SIZE, 8), *zeroes = calloc(1, SIZE);
    struct vdisk_queue *queue = new_queue(2);
    struct vdisk *disk;

    (void)state;
    assert_non_null(zeroes);
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        fill(read, SIZE, flags);
        assert_int_equal(read_into(queue, disk, read, SIZE, 0, flags), 0);
        reap_all(queue);
        assert_bytes(read, zeroes, SIZE, "read");
    }
    end_queue(queue);
    close_disk(disk);
    free(read);
    free(zeroes);
}

/* Buffers. */

static void what_a_write_takes_its_bytes_from_is_free_again_at_once(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(4), 9), *buffer = pattern(MIB(1) / 16, 10);
    const size_t piece = MIB(1) / 16;
    struct vdisk_queue *queue = new_queue(64);
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(4), 0);
    disk = open_disk(image, 0);
    for (size_t at = 0; at < MIB(4); at += piece) {
        memcpy(buffer, data + at, piece);
        assert_int_equal(write_from(queue, disk, buffer, piece, at, 0), 0);
        memset(buffer, 0xee, piece);
    }
    end_queue(queue);
    close_disk(disk);
    assert_rbd_exports(image, data, MIB(4));
    free(data);
    free(buffer);
}

/* Only reaping copies what was read: until then another thread may even use the memory. */
static void a_reads_buffer_is_untouched_until_it_is_reaped(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(SIZE, 11), *before = pattern(SIZE, 11);

    (void)state;
    assert_int_equal(read_into(queue, fixture.disk, read, SIZE, 0, 0), 0);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_bytes(read, before, SIZE, "the buffer before it is reaped");
    reap_all(queue);
    assert_bytes(read, fixture.data, SIZE, "the buffer after it was reaped");
    end_queue(queue);
    take_down_disk(&fixture);
    free(read);
    free(before);
}

static void the_array_of_buffers_is_free_again_at_once(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(SIZE, 12);
    struct iovec iov[20];

    (void)state;
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        for (size_t i = 0; i < 20; i++)
            iov[i] = (struct iovec){read + i * 1001, 1001};
        memset(read, 0, SIZE);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 20, 77, flags, NULL), 0);
        memset(iov, 0xee, sizeof iov);
        reap_all(queue);
        assert_bytes(read, fixture.data + 77, (size_t)20 * 1001, "read");
    }
    end_queue(queue);
    take_down_disk(&fixture);
    free(read);
}

/* Flushing. */

static void a_flush_covers_writes_accepted_before_it_on_its_queue(void **state)
{
    const size_t piece = 300007;
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 13);
    struct vdisk_queue *queue = new_queue(64);
    struct vdisk *disk;
    char mark;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    for (size_t at = 0; at < SIZE; at += piece)
        assert_int_equal(write_from(queue, disk, data + at, SIZE - at < piece ? SIZE - at : piece, at, 0), 0);
    assert_int_equal(vdisk_aio_flush(queue, disk, 0, &mark), 0);
    while (wait_one(queue).user_data != &mark)
        ;
    assert_rbd_exports(image, data, SIZE);
    end_queue(queue);
    close_disk(disk);
    free(data);
}

static void a_flush_covers_completed_writes_of_another_queue(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 14);
    struct vdisk_queue *writing = new_queue(64), *flushing = new_queue(1);
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    assert_int_equal(write_from(writing, disk, data, SIZE, 0, 0), 0);
    reap_all(writing);
    assert_int_equal(vdisk_aio_flush(flushing, disk, 0, NULL), 0);
    reap_all(flushing);
    assert_rbd_exports(image, data, SIZE);
    end_queue(writing);
    end_queue(flushing);
    close_disk(disk);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges_that_leave_the_disk_are_refused_whole),
        TEST(the_last_byte_of_the_disk_is_inside),
        TEST(requests_of_no_bytes_complete_and_do_nothing),
        TEST(a_request_of_as_many_buffers_as_allowed_moves_every_byte),
        TEST(reading_what_was_never_written_overwrites_the_buffer_with_zeroes),
        TEST(what_a_write_takes_its_bytes_from_is_free_again_at_once),
        TEST(a_reads_buffer_is_untouched_until_it_is_reaped),
        TEST(the_array_of_buffers_is_free_again_at_once),
        TEST(a_flush_covers_writes_accepted_before_it_on_its_queue),
        TEST(a_flush_covers_completed_writes_of_another_queue),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
