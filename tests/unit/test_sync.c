/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests short blocking transfers and flushes: their buffers, what is refused, and their memory. */
#include "sync_helpers.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "io/queue.h"
#include "wrap.h"

/* Buffers. */

static void a_flat_buffer_is_one_of_an_array(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *written = allocate(5 * MIB), *seen = allocate(5 * MIB);

    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        fill(written, 5 * MIB, flags);
        memset(seen, 0, 5 * MIB);
        assert_int_equal(vdisk_pwrite(fixture->disk, written, 5 * MIB, 3 * MIB, flags, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, seen, 5 * MIB, 3 * MIB, flags, NULL), 0);
        assert_int_equal(memcmp(seen, written, 5 * MIB), 0);
    }
    free(seen);
    free(written);
}

static void only_a_zero_copy_read_shows_the_callers_memory_to_librbd(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[512] = {0};

    assert_int_equal(vdisk_pwrite(fixture->disk, data, sizeof data, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, data, sizeof data, 0, 0, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_readv"), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, sizeof data, 0, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, data, sizeof data, 0, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_readv"), 1);
    assert_int_equal(transfers(), 4);
}

static void a_short_read_is_filled_with_zeroes(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[4096], seen[4096];

    fill(data, sizeof data, 1);
    fake_image_write("p", "", "i", 0, data, sizeof data);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        memset(seen, 0xff, sizeof seen);
        fake_short_read(1000);
        assert_int_equal(vdisk_pread(fixture->disk, seen, sizeof seen, 0, flags, NULL), 0);
        assert_memory_equal(seen, data, sizeof seen - 1000);
        assert_true(is_zero(seen + sizeof seen - 1000, 1000));
    }
}

/* What is refused, or nothing. */

static void a_length_of_zero_does_nothing(void **state)
{
    const struct fixture *fixture = *state;
    struct iovec empty[2] = {{NULL, 0}, {NULL, 0}};
    unsigned int before = fake_calls(NULL);

    assert_int_equal(vdisk_pread(fixture->disk, NULL, 0, 0, 0, NULL), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, NULL, 0, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_preadv(fixture->disk, NULL, 0, 17, 0, NULL), 0);
    assert_int_equal(vdisk_pwritev(fixture->disk, empty, 2, 17, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
}

static void a_range_that_leaves_the_image_does_nothing(void **state)
{
    static const struct {
        uint64_t length;
        uint64_t offset;
    } ranges[] = {
        {1, IMAGE_SIZE},     {2, IMAGE_SIZE - 1}, {0, IMAGE_SIZE + 1}, {1, UINT64_MAX}, {2, UINT64_MAX},
        {IMAGE_SIZE + 1, 0}, {IMAGE_SIZE, 1},     {SIZE_MAX, 1},       {SIZE_MAX, 0},   {4096, UINT64_MAX - 4095},
    };
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;
    char byte = 1;

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t length = ranges[i].length, offset = ranges[i].offset;

        assert_int_equal(vdisk_pwrite(fixture->disk, &byte, length, offset, 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "are not inside image \"i\" of 67108864 bytes");
        assert_int_equal(vdisk_pread(fixture->disk, &byte, length, offset, VDISK_IO_ZERO_COPY, &err), -EINVAL);
        assert_says(&err, -EINVAL, "are not inside image \"i\" of 67108864 bytes");
    }
    assert_int_equal(fake_calls(NULL), before);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
    assert_int_equal(byte, 1);
}

static void the_last_byte_is_inside(void **state)
{
    const struct fixture *fixture = *state;
    char byte = 0;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, IMAGE_SIZE - 1, 0, NULL), 0);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, IMAGE_SIZE - 1, 0, NULL), 0);
    assert_int_equal(byte, 'x');
}

static void bad_buffers_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct iovec null[2] = {{NULL, 0}, {NULL, 1}};
    struct iovec overflow[2] = {{null, SIZE_MAX}, {null, 2}};
    struct iovec *many = calloc(IOV_MAX + 1, sizeof *many);
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    assert_non_null(many);
    assert_int_equal(vdisk_pread(fixture->disk, NULL, 1, 0, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "buffers are not valid");
    assert_int_equal(vdisk_pwritev(fixture->disk, null, 2, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_pwritev(fixture->disk, overflow, 2, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, NULL, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, null, -1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, many, IOV_MAX + 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_preadv(fixture->disk, many, IOV_MAX, 0, 0, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
    free(many);
}

static void unknown_flags_of_a_transfer_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x2 ");
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0x80000001u, NULL), -EINVAL);
    assert_int_equal(transfers(), 0);
}

static void a_read_only_disk_is_not_written(void **state)
{
    struct vdisk *disk;
    struct vdisk_error err;
    char byte = 0;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_pwrite(disk, &byte, 1, 0, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "Writing to image \"i\" is not possible: it is open read-only");
    assert_int_equal(vdisk_pwrite(disk, NULL, 0, 0, 0, NULL), -EROFS);
    assert_int_equal(transfers(), 0);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    close_disk(disk);
}

static void a_fenced_client_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    fake_blocklist();
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "Writing to image \"i\" failed: ");
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

/* A write may have completed, as far as its failure tells, so closing a fenced disk tells of it. */
static int tear_down_fenced(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_close(fixture->disk, NULL), -ESHUTDOWN);
    fixture->disk = NULL;
    return tear_down_disk(state);
}

static void the_error_is_cleared_by_success(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte = 0;

    memset(&err, 'x', sizeof err);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
    memset(&err, 'x', sizeof err);
    assert_int_equal(vdisk_flush(fixture->disk, &err), 0);
    assert_int_equal(err.code, 0);
}

/* Flushing. */

static void a_flush_is_one_call_of_librbd(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_flush"), 1);
    assert_int_equal(fake_calls("rbd_flush"), 0);
}

static void a_flush_of_a_read_only_disk_does_nothing(void **state)
{
    unsigned int before;
    struct vdisk *disk;

    (void)state;
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    before = fake_calls(NULL);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    assert_int_equal(fake_calls(NULL), before);
    close_disk(disk);
}

/* Memory. */

static void nothing_is_allocated_in_steady_state(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(64 * KIB);
    struct iovec iov[16];
    size_t before = 0;

    for (int i = 0; i < 16; i++)
        iov[i] = (struct iovec){data + i * 4096, 4096};
    for (int round = 0; round < 10; round++) {
        if (round == 2)
            before = wrap_allocs();
        assert_int_equal(vdisk_pwrite(fixture->disk, data, 64 * KIB, 0, 0, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, data, 64 * KIB, 0, 0, NULL), 0);
        assert_int_equal(vdisk_preadv(fixture->disk, iov, 16, 0, 0, NULL), 0);
        assert_int_equal(vdisk_pwritev(fixture->disk, iov, 16, 0, VDISK_IO_ZERO_COPY, NULL), 0);
        assert_int_equal(vdisk_pread(fixture->disk, data, 0, 0, 0, NULL), 0);
        assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    }
    assert_int_equal(wrap_allocs(), before);
    free(data);
}

/* Only the structures of the library show this. */
static void little_memory_is_kept_after_a_long_transfer(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(5 * PIECE);

    assert_int_equal(vdisk_pread(fixture->disk, data, 5 * PIECE, 0, 0, NULL), 0);
    assert_non_null(fixture->disk->sync.queues);
    assert_true(fixture->disk->sync.queues->bounce.idle <= MIB);
    free(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_flat_buffer_is_one_of_an_array),
        DISK_TEST(only_a_zero_copy_read_shows_the_callers_memory_to_librbd),
        DISK_TEST(a_short_read_is_filled_with_zeroes),
        DISK_TEST(a_length_of_zero_does_nothing),
        DISK_TEST(a_range_that_leaves_the_image_does_nothing),
        DISK_TEST(the_last_byte_is_inside),
        DISK_TEST(bad_buffers_are_refused),
        DISK_TEST(unknown_flags_of_a_transfer_are_refused),
        TEST(a_read_only_disk_is_not_written),
        cmocka_unit_test_setup_teardown(a_fenced_client_is_told, set_up_disk, tear_down_fenced),
        DISK_TEST(the_error_is_cleared_by_success),
        DISK_TEST(a_flush_is_one_call_of_librbd),
        TEST(a_flush_of_a_read_only_disk_does_nothing),
        DISK_TEST(nothing_is_allocated_in_steady_state),
        DISK_TEST(little_memory_is_kept_after_a_long_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
