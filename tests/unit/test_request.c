/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a request's data and result: the buffer and range contracts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vdisk/vdisk.h>

#include "fake.h"

#define IMAGE_SIZE (UINT64_C(1) << 20)

struct fixture {
    struct vdisk *disk;
    struct vdisk_queue *queue;
    /* What is on the image. */
    unsigned char data[IMAGE_SIZE];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    for (size_t i = 0; i < IMAGE_SIZE; i++)
        fixture->data[i] = (unsigned char)(i * 31 + i / 251);
    fake_reset();
    fake_create_pool("p");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    fake_image_write("p", "", "i", 0, fixture->data, IMAGE_SIZE);
    assert_int_equal(vdisk_open_uri(&fixture->disk, "rbd:p/i", NULL, NULL), 0);
    assert_int_equal(vdisk_queue_create(&fixture->queue, NULL, NULL), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    if (fixture->disk)
        assert_int_equal(vdisk_close(fixture->disk, NULL), 0);
    free(fixture);
    fake_reset();
    return 0;
}

/* The result of the one request in I/O. */
static int finish(struct fixture *fixture)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 1);
    return done.result;
}

static int read_into(struct fixture *fixture, void *buffer, size_t length, uint64_t offset, uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, offset, flags, NULL);
}

static int write_from(struct fixture *fixture, void *buffer, size_t length, uint64_t offset, uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, offset, flags, NULL);
}

static bool is_filled(const unsigned char *bytes, size_t length, unsigned char value)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != value)
            return false;
    }
    return true;
}

/* Buffers. */

static const uint32_t both_ways[] = {0, VDISK_IO_ZERO_COPY};

static void odd_iovecs_move_every_byte(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[10000], wrote[10000];

    for (size_t way = 0; way < 2; way++) {
        struct iovec in[] = {{got, 1}, {NULL, 0}, {got + 1, 511}, {got + 512, 4097}, {got, 0}, {got + 4609, 5391}};
        struct iovec out[] = {{NULL, 0}, {wrote, 4096}, {wrote + 4096, 1}, {wrote + 4097, 5903}, {wrote, 0}};

        memset(got, 0xee, sizeof got);
        assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, in, 6, 12345, both_ways[way], NULL), 0);
        assert_int_equal(finish(fixture), 0);
        assert_memory_equal(got, fixture->data + 12345, sizeof got);

        memset(wrote, 0x40 + (int)way, sizeof wrote);
        wrote[0] = wrote[9999] = 7;
        assert_int_equal(vdisk_aio_writev(fixture->queue, fixture->disk, out, 5, 777, both_ways[way], NULL), 0);
        assert_int_equal(finish(fixture), 0);
        fake_image_read("p", "", "i", NULL, 777, got, sizeof got);
        assert_memory_equal(got, wrote, sizeof got);
    }
}

static void long_iovecs_move_every_byte(void **state)
{
    struct fixture *fixture = *state;
    struct iovec iov[1024];
    unsigned char got[1024 * 3];

    for (size_t way = 0; way < 2; way++) {
        memset(got, 0, sizeof got);
        for (size_t i = 0; i < 1024; i++)
            iov[i] = (struct iovec){got + i * 3, 3};
        assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, iov, 1024, 1, both_ways[way], NULL), 0);
        assert_int_equal(finish(fixture), 0);
        assert_memory_equal(got, fixture->data + 1, sizeof got);
    }
}

static void iovec_array_may_go_after_submission(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];

    for (size_t way = 0; way < 2; way++) {
        struct iovec iov = {got, sizeof got};

        memset(got, 0, sizeof got);
        fake_hold(FAKE_READ);
        assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, 0, both_ways[way], NULL), 0);
        memset(&iov, 0xff, sizeof iov);
        fake_release_all();
        assert_int_equal(finish(fixture), 0);
        assert_memory_equal(got, fixture->data, sizeof got);
    }
}

static void bounced_write_memory_may_change_after_submission(void **state)
{
    struct fixture *fixture = *state;
    unsigned char buffer[512], got[512];

    memset(buffer, 1, sizeof buffer);
    fake_hold(FAKE_WRITE);
    assert_int_equal(write_from(fixture, buffer, sizeof buffer, 0, 0), 0);
    memset(buffer, 2, sizeof buffer);
    fake_release_all();
    assert_int_equal(finish(fixture), 0);
    fake_image_read("p", "", "i", NULL, 0, got, sizeof got);
    assert_true(is_filled(got, sizeof got, 1));
}

static void bounced_read_memory_changes_only_inside_reap(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];
    struct vdisk_completion done;

    memset(got, 0xee, sizeof got);
    assert_int_equal(read_into(fixture, got, sizeof got, 0, 0), 0);
    assert_true(fake_wait_idle());
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_true(is_filled(got, sizeof got, 0xee));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_memory_equal(got, fixture->data, sizeof got);
}

static void failed_read_leaves_the_buffer_as_it_was(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];

    memset(got, 0xee, sizeof got);
    fake_next_result(FAKE_READ, -EIO);
    assert_int_equal(read_into(fixture, got, sizeof got, 0, 0), 0);
    assert_int_equal(finish(fixture), -EIO);
    assert_true(is_filled(got, sizeof got, 0xee));
}

static void zero_copy_uses_the_callers_memory(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];

    memset(got, 0xee, sizeof got);
    assert_int_equal(read_into(fixture, got, sizeof got, 0, VDISK_IO_ZERO_COPY), 0);
    assert_true(fake_wait_idle());
    assert_memory_equal(got, fixture->data, sizeof got);
    assert_int_equal(finish(fixture), 0);
    assert_int_equal(fake_calls("rbd_aio_readv"), 1);
    assert_int_equal(fake_calls("rbd_aio_read"), 0);
}

static void data_is_delivered_after_the_disk_is_closed(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];

    assert_int_equal(read_into(fixture, got, sizeof got, 0, 0), 0);
    assert_int_equal(vdisk_close(fixture->disk, NULL), 0);
    fixture->disk = NULL;
    assert_int_equal(finish(fixture), 0);
    assert_memory_equal(got, fixture->data, sizeof got);
}

/* Short and shrunk. */

static void short_read_is_filled_with_zeroes(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[1000];

    for (size_t way = 0; way < 2; way++) {
        struct iovec iov[] = {{got, 600}, {got + 600, 400}};

        memset(got, 0xee, sizeof got);
        fake_short_read(500);
        assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, iov, 2, 0, both_ways[way], NULL), 0);
        assert_int_equal(finish(fixture), 0);
        assert_memory_equal(got, fixture->data, 500);
        assert_true(is_filled(got + 500, 500, 0));
    }
}

static void read_across_a_new_end_is_zero_beyond_it(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[1000];

    memset(got, 0xee, sizeof got);
    fake_hold(FAKE_READ);
    assert_int_equal(read_into(fixture, got, sizeof got, 100, 0), 0);
    fake_resize_image("p", "", "i", 600, true);
    fake_release_all();
    assert_int_equal(finish(fixture), 0);
    assert_memory_equal(got, fixture->data + 100, 500);
    assert_true(is_filled(got + 500, 500, 0));
}

static void read_past_a_new_end_is_zero(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[1000];

    for (int notify = 0; notify < 2; notify++) {
        memset(got, 0xee, sizeof got);
        fake_hold(FAKE_READ);
        assert_int_equal(read_into(fixture, got, sizeof got, IMAGE_SIZE - 1000, 0), 0);
        fake_resize_image("p", "", "i", 600, notify);
        fake_release_all();
        assert_int_equal(finish(fixture), 0);
        assert_true(is_filled(got, sizeof got, 0));
        assert_int_equal(vdisk_get_size(fixture->disk), 600);
        assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
    }
}

static void write_past_a_new_end_says_eio(void **state)
{
    struct fixture *fixture = *state;
    unsigned char buffer[1000] = {1};

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_from(fixture, buffer, sizeof buffer, IMAGE_SIZE - 1000, 0), 0);
    fake_resize_image("p", "", "i", 600, false);
    fake_release_all();
    assert_int_equal(finish(fixture), -EIO);
}

static void write_across_a_new_end_says_eio_once_the_size_is_known(void **state)
{
    struct fixture *fixture = *state;
    unsigned char buffer[1000] = {1};

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_from(fixture, buffer, sizeof buffer, 0, 0), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 600, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(finish(fixture), -EIO);
}

static void einval_without_shrinking_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    unsigned char got[512];

    memset(got, 0xee, sizeof got);
    fake_next_result(FAKE_READ, -EINVAL);
    assert_int_equal(read_into(fixture, got, sizeof got, 0, 0), 0);
    assert_int_equal(finish(fixture), -EINVAL);
    assert_true(is_filled(got, sizeof got, 0xee));
    fake_next_result(FAKE_WRITE, -EINVAL);
    assert_int_equal(write_from(fixture, got, sizeof got, 0, 0), 0);
    assert_int_equal(finish(fixture), -EINVAL);
}

/* Errors pass through. */

static void errors_of_librbd_reach_the_completion(void **state)
{
    static const int errors[] = {-EIO, -ENOSPC, -EDQUOT, -ENOENT, -EROFS, -EBUSY};
    struct fixture *fixture = *state;
    unsigned char buffer[512] = {0};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fake_next_result(FAKE_READ, errors[i]);
        assert_int_equal(read_into(fixture, buffer, sizeof buffer, 0, 0), 0);
        assert_int_equal(finish(fixture), errors[i]);
        fake_next_result(FAKE_WRITE, errors[i]);
        assert_int_equal(write_from(fixture, buffer, sizeof buffer, 0, 0), 0);
        assert_int_equal(finish(fixture), errors[i]);
    }
}

static void fenced_client_gets_eshutdown(void **state)
{
    struct fixture *fixture = *state;
    unsigned char buffer[512] = {0};

    fake_blocklist();
    /* Once one has completed, no more are accepted. */
    fake_hold(FAKE_IO);
    assert_int_equal(read_into(fixture, buffer, sizeof buffer, 0, 0), 0);
    assert_int_equal(write_from(fixture, buffer, sizeof buffer, 0, 0), 0);
    fake_release_all();
    assert_int_equal(finish(fixture), -ESHUTDOWN);
    assert_int_equal(finish(fixture), -ESHUTDOWN);
    assert_int_not_equal(vdisk_close(fixture->disk, NULL), 0);
    fixture->disk = NULL;
}

static void flush_waits_for_writes_accepted_before(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[2];
    unsigned char buffer[512] = {0};
    char first, second;
    struct iovec iov = {buffer, sizeof buffer};

    fake_hold(FAKE_WRITE);
    assert_int_equal(vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, 0, 0, &first), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &second), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 1, 2, 10), 0);
    fake_release_all();
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 2, 2, -1), 2);
    assert_ptr_equal(done[0].user_data, &first);
    assert_ptr_equal(done[1].user_data, &second);
    assert_int_equal(done[1].result, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(odd_iovecs_move_every_byte),
        TEST(long_iovecs_move_every_byte),
        TEST(iovec_array_may_go_after_submission),
        TEST(bounced_write_memory_may_change_after_submission),
        TEST(bounced_read_memory_changes_only_inside_reap),
        TEST(failed_read_leaves_the_buffer_as_it_was),
        TEST(zero_copy_uses_the_callers_memory),
        TEST(data_is_delivered_after_the_disk_is_closed),
        TEST(short_read_is_filled_with_zeroes),
        TEST(read_across_a_new_end_is_zero_beyond_it),
        TEST(read_past_a_new_end_is_zero),
        TEST(write_past_a_new_end_says_eio),
        TEST(write_across_a_new_end_says_eio_once_the_size_is_known),
        TEST(einval_without_shrinking_is_an_error),
        TEST(errors_of_librbd_reach_the_completion),
        TEST(fenced_client_gets_eshutdown),
        TEST(flush_waits_for_writes_accepted_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
