/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes that librbd itself cancels (`rados_osd_op_timeout`), so that nobody knows whether they will complete; and what
 * fencing and closing do to requests that wait, for them or for others.
 */
#include "retry_helpers.h"

#include "disk/disk.h"
#include "io/queue.h"

static void a_write_that_librbd_times_out_stays_unsettled(void **state)
{
    struct fixture *fixture = *state;

    time_write_out(fixture);
    expect_left(fixture->disk, 0, 1);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 4095, 0), 0);
    allow_time_for(fake_calls("rbd_aio_write") > 1);
    assert_int_equal(fake_calls("rbd_aio_write"), 1);
    cancel(fixture->queue, &b);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -ETIMEDOUT);
    fixture->disk = NULL;
}

static void so_does_any_other_change(void **state)
{
    static const enum fake_kind kinds[] = {FAKE_DISCARD, FAKE_ZEROES, FAKE_COMPARE};
    const struct fixture *fixture = *state;
    char byte;

    for (unsigned int i = 0; i < 3; i++) {
        fake_next_result(kinds[i], -ETIMEDOUT);
        /* Behind each other they wait. */
        assert_int_equal(submit_change(kinds[i], &a, fixture->queue, fixture->disk, first_data, zeroes), 0);
        expect(fixture->queue, &a, -ETIMEDOUT);
        expect_left(fixture->disk, 0, 1);
        assert_int_equal(vd_write_barrier_untracked(&fixture->disk->write_barrier), 1);
        vd_disk_settle_fenced(fixture->disk);
    }
    fake_next_result(FAKE_READ, -ETIMEDOUT);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
    expect_left(fixture->disk, 0, 0);
}

static void one_that_was_cancelled_before_stays_unsettled_too(void **state)
{
    const struct fixture *fixture = *state;

    cancel_write(fixture);
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    fake_release_all();
    wait_until(info_of(fixture->disk).detached_requests == 0);
    expect_left(fixture->disk, 0, 1);
    allow_time_for(fake_calls("rbd_aio_write") > 1);
    assert_int_equal(fake_calls("rbd_aio_write"), 1);
    cancel(fixture->queue, &b);
}

static void proven_fencing_settles_it(void **state)
{
    const struct fixture *fixture = *state;

    time_write_out(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    vd_disk_settle_fenced(fixture->disk);
    expect(fixture->queue, &b, 0);
    expect_left(fixture->disk, 0, 0);
    assert_true(holds(0, 4096, 2));
}

static void its_queue_can_go_before_it(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_queue *queue;

    assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_as(&a, queue, fixture->disk, first_data, 4096, 0, 0), 0);
    expect(queue, &a, -ETIMEDOUT);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    expect_left(fixture->disk, 0, 1);
}

/* For AddressSanitizer too: neither used again nor forgotten. */
static void where_librbd_does_not_copy_its_buffer_is_kept(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;

    fake_create_image("p", "", "uncopied", IMAGE_SIZE);
    fake_set_image_option("p", "", "uncopied", "rbd_disable_zero_copy_writes", "false");
    disk = open_disk("rbd:p/uncopied", 0);
    for (unsigned int i = 0; i < 2; i++) {
        fake_next_result(FAKE_WRITE, -ETIMEDOUT);
        fake_hold(i == 0 ? FAKE_WRITE : 0);
        assert_int_equal(write_as(&a, fixture->queue, disk, first_data, 4096, i * MIB, 0), 0);
        if (i == 0)
            cancel(fixture->queue, &a);
        fake_release_all();
        if (i == 1)
            expect(fixture->queue, &a, -ETIMEDOUT);
        wait_until(info_of(disk).detached_requests == 0);
        assert_int_equal(atomic_load(&disk->detached.bytes), (i + 1) * 4096);
        assert_int_equal(fixture->queue->bounce.idle, 0);
        assert_int_equal(fixture->queue->bounce.in_use, 0);
    }
    vd_disk_settle_fenced(disk);
    assert_int_equal(atomic_load(&disk->detached.bytes), 0);
    close_disk(disk);
}

/* Its disk goes first, with the completion unreaped. */
static void its_disk_can_go_before_its_queue(void **state)
{
    struct fixture *fixture = *state;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, first_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -ETIMEDOUT);
    fixture->disk = NULL;
    expect(fixture->queue, &a, -ETIMEDOUT);
}

/* Fencing and closing. */

static void fencing_ends_what_waits(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    time_write_out(fixture);
    fake_hold(FAKE_IO);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, first_data, 4096, MIB, 0), 0);
    cancel(fixture->queue, &a);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, MIB, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, NULL), 0);
    fake_hold(FAKE_WRITE);
    fake_blocklist();
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 8 * MIB, 0, NULL), -ESHUTDOWN);
    expect(fixture->queue, &a, -ESHUTDOWN);
    expect(fixture->queue, &b, -ESHUTDOWN);
    expect(fixture->queue, NULL, -ESHUTDOWN);
    /* That is not the proof that the first one cannot complete. */
    expect_left(fixture->disk, 1, 2);
}

static void closing_ends_what_would_wait_for_ever(void **state)
{
    struct fixture *fixture = *state;

    time_write_out(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -ETIMEDOUT);
    fixture->disk = NULL;
    expect(fixture->queue, &b, -ESHUTDOWN);
    expect(fixture->queue, &a, 0);
}

static void closing_waits_for_what_will_settle(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;

    cancel_write(fixture);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, retry_data, 4096, 0, 0), 0);
    start_closing(&closing, fixture->disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    expect(fixture->queue, &b, 0);
    assert_true(holds(0, 4096, 2));
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_write_that_librbd_times_out_stays_unsettled),
        DISK_TEST(so_does_any_other_change),
        DISK_TEST(one_that_was_cancelled_before_stays_unsettled_too),
        DISK_TEST(proven_fencing_settles_it),
        DISK_TEST(its_queue_can_go_before_it),
        DISK_TEST(where_librbd_does_not_copy_its_buffer_is_kept),
        DISK_TEST(its_disk_can_go_before_its_queue),
        DISK_TEST(fencing_ends_what_waits),
        DISK_TEST(closing_ends_what_would_wait_for_ever),
        DISK_TEST(closing_waits_for_what_will_settle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
