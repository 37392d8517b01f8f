/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is left with the disk of requests that were cancelled: later ones wait for it, and nothing overtakes it.
 */
#include "retry_helpers.h"

/* What is in the first sector after a change. */
static const unsigned char *outcome(enum fake_kind kind, const unsigned char *data)
{
    return kind == FAKE_WRITE || kind == FAKE_COMPARE ? data : zeroes;
}

static void expect_sector(const unsigned char *expected)
{
    unsigned char found[SECTOR];

    fake_image_read("p", "", "i", NULL, 0, found, SECTOR);
    assert_memory_equal(found, expected, SECTOR);
}

/* Retries. */

static void check_retry(const struct fixture *fixture, enum fake_kind first, enum fake_kind retry)
{
    const unsigned char *between = outcome(first, first_data);

    fake_hold(FAKE_IO);
    assert_int_equal(submit_change(first, &a, fixture->queue, fixture->disk, first_data, zeroes), 0);
    cancel(fixture->queue, &a);
    assert_int_equal(submit_change(retry, &b, fixture->other_queue, fixture->disk, retry_data, between), 0);
    allow_time_for(fake_held(FAKE_IO) > 1);
    assert_int_equal(fake_held(FAKE_IO), 1);
    assert_int_equal(fake_release(first, 1, FAKE_FIFO, 0), 1);
    assert_true(fake_wait_held(retry, 1));
    expect_sector(between);
    expect_left(fixture->disk, 0, 0);
    fake_release_all();
    expect(fixture->other_queue, &b, 0);
    expect_sector(outcome(retry, retry_data));
    /* Back to zeroes. */
    assert_int_equal(vdisk_write_zeroes(fixture->disk, GRANULE, 0, 0, NULL), 0);
}

static void a_retry_of_any_kind_waits_for_what_it_replaces(void **state)
{
    static const enum fake_kind kinds[] = {FAKE_WRITE, FAKE_DISCARD, FAKE_ZEROES, FAKE_COMPARE};

    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            check_retry(*state, kinds[i], kinds[j]);
    }
}

static void a_read_waits_too(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char byte;

    cancel_write(fixture);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, &byte, 1, 4095, 0), 0);
    allow_time_for(fake_held(FAKE_READ) > 0);
    assert_int_equal(fake_held(FAKE_READ), 0);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    assert_int_equal(byte, first_data[4095]);
}

static void other_ranges_do_not_wait(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char byte = 7;

    cancel_write(fixture);
    fake_hold(0);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, &byte, 1, 4096, 0), 0);
    expect(fixture->queue, &b, 0);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 4096, 0, NULL), 0);
    assert_int_equal(byte, 7);
}

static void a_read_that_was_cancelled_holds_nobody_up(void **state)
{
    const struct fixture *fixture = *state;
    char byte = 1;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    cancel(fixture->queue, &a);
    expect_left(fixture->disk, 1, 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, &byte, 1, 0, 0, NULL), 0);
}

static void a_synchronous_retry_waits(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char byte;
    unsigned int reads;

    cancel_write(fixture);
    reads = fake_calls("rbd_aio_read");
    fake_delay(FAKE_WRITE, 20000);
    fake_release_all();
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(byte, first_data[0]);
    assert_int_equal(fake_calls("rbd_aio_read"), reads + 1);
    fake_delay(FAKE_WRITE, 0);
}

static void a_zero_copy_retry_waits_and_can_be_cancelled_until_it_is_sent(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, VDISK_IO_ZERO_COPY), 0);
    cancel(fixture->queue, &b);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, VDISK_IO_ZERO_COPY), 0);
    fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0);
    assert_true(fake_wait_held(FAKE_WRITE, 1));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &b), -EBUSY);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    assert_true(holds(0, 4096, 2));
}

static void a_retry_that_is_cancelled_while_it_waits_is_never_sent(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    cancel(fixture->queue, &b);
    /* It has nothing left anywhere. */
    expect_left(fixture->disk, 1, 1);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    assert_true(fake_wait_idle());
    assert_true(holds(0, 4096, 1));
    assert_int_equal(fake_calls("rbd_aio_write") + fake_calls("rbd_aio_writev"), 1);
}

static void a_retry_of_a_retry_comes_last(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0);
    assert_true(fake_wait_held(FAKE_WRITE, 1));
    cancel(fixture->queue, &b);
    fill(first_data, 4096, 3);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, first_data, 4096, 0, 0), 0);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    assert_true(holds(0, 4096, 3));
}

static void a_retry_that_librbd_refuses_later_completes_with_its_error(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    fake_fail_call("rbd_aio_create_completion", 1, ENOMEM);
    fake_release_all();
    expect(fixture->queue, &b, -ENOMEM);
    expect_nothing(fixture->queue);
    expect_left(fixture->disk, 0, 0);
}

/* Flushes. */

static unsigned int flushes(void)
{
    return fake_calls("rbd_aio_flush");
}

static void a_flush_covers_writes_that_wait(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    allow_time_for(flushes() > 0);
    assert_int_equal(flushes(), 0);
    assert_int_equal(fake_release(FAKE_WRITE, 1, FAKE_FIFO, 0), 1);
    assert_true(fake_wait_held(FAKE_WRITE, 1));
    assert_int_equal(flushes(), 0);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    expect(fixture->queue, &a, 0);
    assert_int_equal(vdisk_close(fixture->disk, NULL), 0);
    ((struct fixture *)*state)->disk = NULL;
    assert_int_equal(fake_calls("rbd_flush"), 0);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

/* Not even for ever. */
static void a_flush_elsewhere_does_not_wait_for_writes_that_wait(void **state)
{
    const struct fixture *fixture = *state;

    time_write_out(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_int_equal(vdisk_aio_flush(fixture->other_queue, fixture->disk, 0, &a), 0);
    expect(fixture->other_queue, &a, 0);
    cancel(fixture->queue, &b);
}

static void a_flush_does_not_wait_for_what_was_cancelled(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &b), 0);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    fake_release_all();
    expect(fixture->queue, &b, 0);
}

static void a_flush_goes_when_the_write_it_waits_for_is_cancelled(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    cancel(fixture->queue, &b);
    assert_true(fake_wait_held(FAKE_FLUSH, 1));
    fake_release_all();
    expect(fixture->queue, &a, 0);
}

static void a_flush_that_waits_can_be_cancelled(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    cancel(fixture->queue, &a);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    assert_int_equal(flushes(), 0);
}

/* A flush that fails after it was cancelled fails all later ones. */
static void a_flush_that_was_cancelled_tells_of_its_failure_all_the_same(void **state)
{
    struct fixture *fixture = *state;

    fake_hold(FAKE_FLUSH);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    cancel(fixture->queue, &a);
    fake_next_result(FAKE_FLUSH, -EIO);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -EIO);
    fixture->disk = NULL;
}

/* Pieces. */

#define BIG (UINT64_C(1) << 30)
#define PIECE (128 * MIB)

static struct vdisk *open_big(void)
{
    fake_create_image("p", "", "big", BIG);
    return open_disk("rbd:p/big", 0);
}

static unsigned int discards(void)
{
    return fake_calls("rbd_aio_discard");
}

static void the_rest_of_a_discard_that_is_cancelled_is_left(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk = open_big();

    fake_hold(FAKE_DISCARD);
    assert_int_equal(vdisk_aio_discard(fixture->queue, disk, BIG, 0, 0, &a), 0);
    fake_release(FAKE_DISCARD, 1, FAKE_FIFO, 0);
    wait_until(discards() == 2);
    cancel(fixture->queue, &a);
    expect_left(disk, 1, 1);
    /* All of it is unsettled. */
    assert_int_equal(read_as(&b, fixture->queue, disk, zeroes, 1, BIG - 1, 0), 0);
    assert_int_equal(fake_release(FAKE_DISCARD, 1, FAKE_FIFO, 0), 1);
    expect(fixture->queue, &b, 0);
    assert_int_equal(discards(), 2);
    expect_left(disk, 0, 0);
    close_disk(disk);
}

static void a_flush_covers_the_pieces_that_are_still_to_come(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk = open_big();

    fake_hold(FAKE_DISCARD);
    assert_int_equal(vdisk_aio_discard(fixture->queue, disk, 2 * PIECE, 0, 0, &a), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, disk, 0, &b), 0);
    fake_release(FAKE_DISCARD, 1, FAKE_FIFO, 0);
    wait_until(discards() == 2);
    allow_time_for(flushes() > 0);
    assert_int_equal(flushes(), 0);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    expect(fixture->queue, &b, 0);
    assert_int_equal(flushes(), 1);
    close_disk(disk);
}

static void pieces_that_cannot_be_started_hold_no_flush_up(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk = open_big();

    fake_fail_call("rbd_aio_discard", 1, EIO);
    assert_int_equal(vdisk_aio_discard(fixture->queue, disk, BIG, 0, 0, &a), -EIO);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    fake_fail_call("rbd_aio_discard", 2, EIO);
    assert_int_equal(vdisk_aio_discard(fixture->queue, disk, BIG, 0, 0, &a), 0);
    expect(fixture->queue, &a, -EIO);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    close_disk(disk);
}

/* Queues. */

static void its_queue_can_be_destroyed(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_queue *queue;

    assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
    fake_hold(FAKE_IO);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(write_as(&a, queue, fixture->disk, first_data, 4096, i * 4096, 0), 0);
        assert_int_equal(read_as(&a, queue, fixture->disk, retry_data, 4096, MIB, 0), 0);
    }
    assert_int_equal(vdisk_queue_cancel(queue, &a), 20);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    for (size_t i = 0; i < 20; i++)
        expect(queue, &a, -ECANCELED);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    expect_left(fixture->disk, 20, 10);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    assert_true(holds(36 * KIB, 4096, 1));
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_retry_of_any_kind_waits_for_what_it_replaces),
        DISK_TEST(a_read_waits_too),
        DISK_TEST(other_ranges_do_not_wait),
        DISK_TEST(a_read_that_was_cancelled_holds_nobody_up),
        DISK_TEST(a_synchronous_retry_waits),
        DISK_TEST(a_zero_copy_retry_waits_and_can_be_cancelled_until_it_is_sent),
        DISK_TEST(a_retry_that_is_cancelled_while_it_waits_is_never_sent),
        DISK_TEST(a_retry_of_a_retry_comes_last),
        DISK_TEST(a_retry_that_librbd_refuses_later_completes_with_its_error),
        DISK_TEST(a_flush_covers_writes_that_wait),
        DISK_TEST(a_flush_elsewhere_does_not_wait_for_writes_that_wait),
        DISK_TEST(a_flush_does_not_wait_for_what_was_cancelled),
        DISK_TEST(a_flush_goes_when_the_write_it_waits_for_is_cancelled),
        DISK_TEST(a_flush_that_waits_can_be_cancelled),
        DISK_TEST(a_flush_that_was_cancelled_tells_of_its_failure_all_the_same),
        DISK_TEST(the_rest_of_a_discard_that_is_cancelled_is_left),
        DISK_TEST(a_flush_covers_the_pieces_that_are_still_to_come),
        DISK_TEST(pieces_that_cannot_be_started_hold_no_flush_up),
        DISK_TEST(its_queue_can_be_destroyed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
