/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much may be left with a disk of requests that were cancelled, and of writes that may still complete. */
#include "cancel_helpers.h"

#include "disk/disk.h"

#define MOST 1024
#define MOST_BYTES (256 * MIB)

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fake_release_all();
    if (fixture->disk)
        vdisk_close(fixture->disk, NULL);
    fixture->disk = NULL;
    return tear_down_disk(state);
}

static void expect_refusals(const struct fixture *fixture)
{
    struct vdisk_error err;
    char byte = 0;

    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, &byte, 1, 0, 0), -ENOBUFS);
    assert_int_equal(write_as(&b, fixture->other_queue, fixture->disk, &byte, 1, 0, 0), -ENOBUFS);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &b), -ENOBUFS);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, &err), -ENOBUFS);
    assert_says(&err, -ENOBUFS, "\"i\"");
    expect_nothing(fixture->queue);
}

static void expect_room(const struct fixture *fixture)
{
    char byte;

    fake_hold(0);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, &byte, 1, IMAGE_SIZE - 1, 0), 0);
    expect(fixture->queue, &b, 0);
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, IMAGE_SIZE - 1, 0, NULL), 0);
}

static void so_many_requests_may_be_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
        cancel(fixture->queue, &a);
    }
    expect_left(fixture->disk, MOST, 0);
    expect_refusals(fixture);
    /* One less is room for one more. */
    assert_int_equal(fake_release(FAKE_READ, 1, FAKE_LIFO, 0), 1);
    wait_until(info_of(fixture->disk).detached_requests < MOST);
    expect_room(fixture);
}

static void so_many_bytes_may_be_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    char *buffer = malloc(VDISK_MAX_REQUEST);

    assert_non_null(buffer);
    fake_hold(FAKE_READ);
    for (size_t i = 0; i < MOST_BYTES / VDISK_MAX_REQUEST; i++) {
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, VDISK_MAX_REQUEST, 0, 0), 0);
        cancel(fixture->queue, &a);
    }
    free(buffer);
    expect_refusals(fixture);
    assert_int_equal(fake_release(FAKE_READ, 1, FAKE_FIFO, 0), 1);
    wait_until(info_of(fixture->disk).detached_requests < MOST_BYTES / VDISK_MAX_REQUEST);
    expect_room(fixture);
}

/* These librbd has not got any more, so that nothing but fencing makes room. */
static void so_many_writes_may_be_unsettled(void **state)
{
    const struct fixture *fixture = *state;
    char byte = 1;

    for (uint64_t i = 0; i < MOST; i++) {
        fake_next_result(FAKE_WRITE, -ETIMEDOUT);
        assert_int_equal(write_as(&a, fixture->queue, fixture->disk, &byte, 1, i, 0), 0);
        expect(fixture->queue, &a, -ETIMEDOUT);
    }
    expect_left(fixture->disk, 0, MOST);
    expect_refusals(fixture);
    vd_disk_settle_fenced(fixture->disk);
    expect_left(fixture->disk, 0, 0);
    expect_room(fixture);
}

/* What was accepted before is not refused. */
static void requests_in_flight_may_go_beyond(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    for (size_t i = 0; i < MOST - 1; i++) {
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
        cancel(fixture->queue, &a);
    }
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 10);
    for (size_t i = 0; i < 10; i++)
        expect(fixture->queue, &a, -ECANCELED);
    expect_left(fixture->disk, MOST + 9, 0);
    expect_refusals(fixture);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    expect_room(fixture);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_disk, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(so_many_requests_may_be_cancelled),
        DISK_TEST(so_many_bytes_may_be_cancelled),
        DISK_TEST(so_many_writes_may_be_unsettled),
        DISK_TEST(requests_in_flight_may_go_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
