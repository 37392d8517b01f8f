/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes that are durable when they complete: by librbd's own means where it has them, else by a flush. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"

#define PIECE (128 * MIB)
#define BIG_URI "rbd:p/big"

static unsigned char data[8192];

static int write_fua(struct fixture *fixture, int buffers, uint32_t flags)
{
    struct iovec iov[] = {{data, sizeof data / 2}, {data + sizeof data / 2, sizeof data / 2}};
    struct iovec one = {data, sizeof data};

    fill(data, sizeof data, 3);
    return vdisk_aio_writev(fixture->queue, fixture->disk, buffers == 1 ? &one : iov, buffers, 0, flags | VDISK_IO_FUA,
                            NULL);
}

static int zero_fua(struct fixture *fixture, uint64_t length)
{
    return vdisk_aio_write_zeroes(fixture->queue, fixture->disk, length, 0, VDISK_IO_FUA, NULL);
}

static bool has_landed(void)
{
    unsigned char seen[sizeof data];

    fake_image_read("p", "", "i", NULL, 0, seen, sizeof seen);
    return is_filled(seen, sizeof seen, 3);
}

static void one_buffer_takes_one_call(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(write_fua(fixture, 2, 0), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(write_fua(fixture, 1, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, 512, 0, VDISK_IO_FUA, NULL), 0);
    assert_int_equal(fake_calls("rbd_aio_write2"), 3);
    assert_int_equal(fake_calls("rbd_aio_write"), 0);
    assert_int_equal(fake_calls("rbd_aio_flush"), 0);
    assert_true(has_landed());
}

static void several_buffers_without_copying_take_a_flush(void **state)
{
    struct fixture *fixture = *state;

    fake_hold(FAKE_FLUSH);
    assert_int_equal(write_fua(fixture, 2, VDISK_IO_ZERO_COPY), 0);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    assert_true(has_landed());
    assert_int_equal(vdisk_queue_reap(fixture->queue, &(struct vdisk_completion){0}, 1), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_aio_writev"), 1);
    assert_int_equal(fake_calls("rbd_aio_flush"), 1);
}

static void zeroes_take_one_flush_after_their_last_piece(void **state)
{
    struct fixture *fixture = *state;

    close_disk(fixture->disk);
    fake_create_image("p", "", "big", 3 * PIECE);
    fixture->disk = open_disk(BIG_URI, 0);
    assert_int_equal(zero_fua(fixture, 3 * PIECE), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_aio_write_zeroes"), 3);
    assert_int_equal(fake_calls("rbd_aio_flush"), 1);
}

static void what_the_flush_covers_is_not_flushed_again(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(fake_calls("rbd_flush"), 0);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

static void a_length_of_zero_does_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(zero_fua(fixture, 0), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_aio_flush"), 0);
}

/* Errors. */

static void an_error_of_the_write_is_the_result(void **state)
{
    struct fixture *fixture = *state;

    for (int buffers = 1; buffers <= 2; buffers++) {
        fake_next_result(FAKE_WRITE, -ENOSPC);
        assert_int_equal(write_fua(fixture, buffers, VDISK_IO_ZERO_COPY), 0);
        assert_int_equal(reap_one(fixture->queue), -ENOSPC);
    }
    assert_int_equal(fake_calls("rbd_aio_flush"), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
}

static void an_error_of_the_flush_is_the_result_and_sticks(void **state)
{
    struct fixture *fixture = *state;

    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), -EIO);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    /* Nobody knows whether it is this one's data that is lost. */
    assert_int_equal(write_fua(fixture, 2, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(reap_one(fixture->queue), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
}

static uint32_t indeterminate_writes(struct fixture *fixture)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, NULL), 0);
    return info.indeterminate_writes;
}

/* What timed out then is not what is written now, of which all is known. */
static void an_earlier_timeout_that_stuck_does_not_make_it_unsettled(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_pwrite(fixture->disk, data, 512, 0, 0, NULL), 0);
    fake_next_result(FAKE_FLUSH, -ETIMEDOUT);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ETIMEDOUT);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), -ETIMEDOUT);
    assert_int_equal(indeterminate_writes(fixture), 0);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

static void a_flush_that_librbd_refuses_is_the_result(void **state)
{
    struct fixture *fixture = *state;

    fake_fail_call("rbd_aio_flush", 1, EIO);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), -EIO);
    fake_fail_call("rbd_aio_create_completion", 2, ENOMEM);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_int_equal(reap_one(fixture->queue), -ENOMEM);
    /* No flush has failed, and the next one covers it. */
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
}

static void einval_of_the_flush_is_not_taken_for_shrinking(void **state)
{
    struct fixture *fixture = *state;

    fake_hold(FAKE_FLUSH);
    fake_next_result(FAKE_FLUSH, -EINVAL);
    assert_int_equal(zero_fua(fixture, 512), 0);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    fake_resize_image("p", "", "i", 100, false);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), -EINVAL);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

static void a_read_has_no_such_flag(void **state)
{
    struct fixture *fixture = *state;
    struct iovec iov = {data, 512};

    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, 0, VDISK_IO_FUA, NULL), -EINVAL);
    assert_int_equal(vdisk_pread(fixture->disk, data, 512, 0, VDISK_IO_FUA, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, 0, VDISK_WRITE_ZEROES_THICK, NULL),
                     -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(one_buffer_takes_one_call),
        TEST(several_buffers_without_copying_take_a_flush),
        TEST(zeroes_take_one_flush_after_their_last_piece),
        TEST(what_the_flush_covers_is_not_flushed_again),
        TEST(a_length_of_zero_does_nothing),
        TEST(an_error_of_the_write_is_the_result),
        TEST(an_error_of_the_flush_is_the_result_and_sticks),
        TEST(an_earlier_timeout_that_stuck_does_not_make_it_unsettled),
        TEST(a_flush_that_librbd_refuses_is_the_result),
        TEST(einval_of_the_flush_is_not_taken_for_shrinking),
        TEST(a_read_has_no_such_flag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
