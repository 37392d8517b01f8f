/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests long blocking transfers: the library cuts them into pieces of bounded number and size. */
#include "sync_helpers.h"

#include <errno.h>
#include <string.h>

#include "wrap.h"

struct transfer {
    struct background background;
    struct vdisk *disk;
    unsigned char *data;
    uint64_t length;
    uint64_t offset;
    struct vdisk_error err;
};

static int write_all(void *argument)
{
    struct transfer *transfer = argument;

    return vdisk_pwrite(transfer->disk, transfer->data, transfer->length, transfer->offset, 0, &transfer->err);
}

static int read_all(void *argument)
{
    struct transfer *transfer = argument;

    return vdisk_pread(transfer->disk, transfer->data, transfer->length, transfer->offset, 0, &transfer->err);
}

/* Starts a transfer from the middle of a piece to the middle of another one, across six boundaries. */
static void start_transfer(struct transfer *transfer, struct vdisk *disk, int (*call)(void *))
{
    transfer->disk = disk;
    transfer->offset = MIB;
    transfer->length = 6 * PIECE + MIB;
    transfer->data = allocate(transfer->length);
    fill(transfer->data, transfer->length, 9);
    start_background(&transfer->background, call, transfer);
}

static int end_transfer(struct transfer *transfer)
{
    int r = end_background(&transfer->background);

    free(transfer->data);
    return r;
}

/* Returns the offset up to which the image holds the data of the transfer. */
static uint64_t written_until(const struct transfer *transfer)
{
    uint64_t end = transfer->offset + transfer->length, at = transfer->offset;
    unsigned char *seen = allocate(MIB);

    for (; at < end; at += MIB) {
        fake_image_read("p", "", "i", NULL, at, seen, MIB);
        if (memcmp(seen, transfer->data + at - transfer->offset, MIB) != 0)
            break;
    }
    free(seen);
    return at;
}

static void a_long_write_is_cut_at_boundaries_four_at_a_time(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    for (unsigned int done = 1; done <= 7; done++) {
        unsigned int started = done + AT_ONCE - 1 < 7 ? done + AT_ONCE - 1 : 7;

        assert_true(fake_wait_held(FAKE_WRITE, started - done + 1));
        allow_time_for(fake_calls("rbd_aio_write") > started);
        assert_int_equal(fake_calls("rbd_aio_write"), started);
        assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0), 1);
        assert_true(fake_wait_idle());
        assert_int_equal(written_until(&transfer), done < 7 ? done * PIECE : transfer.offset + transfer.length);
    }
    assert_int_equal(end_transfer(&transfer), 0);
}

static void a_long_read_is_cut_four_at_a_time(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_READ);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_true(fake_wait_held(FAKE_READ, AT_ONCE));
    allow_time_for(fake_calls("rbd_aio_read") > AT_ONCE);
    assert_int_equal(fake_calls("rbd_aio_read"), AT_ONCE);
    fake_release_all();
    wait_until(is_over(&transfer.background));
    assert_true(is_zero(transfer.data, transfer.length));
    assert_int_equal(fake_calls("rbd_aio_read"), 7);
    assert_int_equal(end_transfer(&transfer), 0);
}

static void what_fits_one_piece_is_one_request(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(PIECE);

    fill(data, PIECE, 1);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, PIECE, PIECE, 0, NULL), 0);
    assert_int_equal(transfers(), 1);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, PIECE, PIECE + 1, 0, NULL), 0);
    assert_int_equal(transfers(), 3);
    free(data);
}

static void an_error_ends_the_transfer_when_the_rest_has_landed(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    fake_next_result(FAKE_WRITE, -ENOSPC);
    assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0), 1);
    allow_time_for(is_over(&transfer.background));
    assert_false(is_over(&transfer.background));
    /* Told is the error that came first. */
    fake_next_result(FAKE_WRITE, -EIO);
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -ENOSPC);
    assert_says(&transfer.err, -ENOSPC, "Writing to image \"i\" failed: ");
    assert_int_equal(fake_calls("rbd_aio_write"), AT_ONCE);
    assert_int_equal(fake_in_flight(), 0);
}

static void an_error_of_the_last_piece_is_told(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_read", 7, EIO);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_int_equal(end_transfer(&transfer), -EIO);
    assert_says(&transfer.err, -EIO, "Reading from image \"i\" failed: ");
}

static void a_piece_that_librbd_refuses_ends_the_transfer(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    fake_fail_call("rbd_aio_write", 3, EIO);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, 2));
    allow_time_for(is_over(&transfer.background));
    assert_false(is_over(&transfer.background));
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -EIO);
    assert_int_equal(fake_calls("rbd_aio_write"), 3);
}

static void running_out_of_memory_ends_the_transfer(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    wrap_fail_call("posix_memalign", 2);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_int_equal(end_transfer(&transfer), -ENOMEM);
    assert_true(wrap_disarm());
    assert_int_equal(fake_in_flight(), 0);
}

/* It was inside the image when the call began. */
static void a_write_whose_rest_is_cut_off_meanwhile_is_an_error(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    assert_int_equal(vdisk_resize(fixture->disk, 4 * PIECE + MIB, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -EIO);
}

static void a_read_whose_rest_is_cut_off_meanwhile_is_filled_with_zeroes(void **state)
{
    static struct transfer transfer;
    const struct fixture *fixture = *state;
    unsigned char *data = allocate(8 * PIECE);

    fill(data, 8 * PIECE, 1);
    fake_image_write("p", "", "i", MIB, data, 8 * PIECE);
    fake_hold(FAKE_READ);
    start_transfer(&transfer, fixture->disk, read_all);
    assert_true(fake_wait_held(FAKE_READ, AT_ONCE));
    assert_int_equal(vdisk_resize(fixture->disk, 4 * PIECE + 2 * MIB, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    wait_until(is_over(&transfer.background));
    assert_int_equal(transfer.background.result, 0);
    assert_int_equal(memcmp(transfer.data, data, 4 * PIECE + MIB), 0);
    assert_true(is_zero(transfer.data + 4 * PIECE + MIB, transfer.length - 4 * PIECE - MIB));
    end_transfer(&transfer);
    free(data);
}

static void closing_ends_a_long_transfer(void **state)
{
    static struct transfer transfer;
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    start_transfer(&transfer, fixture->disk, write_all);
    assert_true(fake_wait_held(FAKE_WRITE, AT_ONCE));
    start_closing(&closing, fixture->disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_release_all();
    assert_int_equal(end_transfer(&transfer), -ESHUTDOWN);
    assert_says(&transfer.err, -ESHUTDOWN, "Writing to image \"i\" failed: ");
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(fake_calls("rbd_aio_write"), AT_ONCE);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_long_write_is_cut_at_boundaries_four_at_a_time),
        DISK_TEST(a_long_read_is_cut_four_at_a_time),
        DISK_TEST(what_fits_one_piece_is_one_request),
        DISK_TEST(an_error_ends_the_transfer_when_the_rest_has_landed),
        DISK_TEST(an_error_of_the_last_piece_is_told),
        DISK_TEST(a_piece_that_librbd_refuses_ends_the_transfer),
        DISK_TEST(running_out_of_memory_ends_the_transfer),
        DISK_TEST(a_write_whose_rest_is_cut_off_meanwhile_is_an_error),
        DISK_TEST(a_read_whose_rest_is_cut_off_meanwhile_is_filled_with_zeroes),
        DISK_TEST(closing_ends_a_long_transfer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
