/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Closing within a time, and on a queue. What is left is closed by the library, which fake_leaks sees. */
#include "cancel_helpers.h"

#include <poll.h>
#include <sched.h>

#include "disk/disk.h"
#include "wrap.h"

static unsigned char data[4096];

static int set_up(void **state)
{
    fill(data, sizeof data, 1);
    return set_up_disk(state);
}

/* The fixture's disk is for the tests to close. */
static int tear_down(void **state)
{
    fake_release_all();
    wait_until(fake_leaks(NULL, 0) == 0);
    return tear_down_disk(state);
}

/* Takes the disk from the fixture. */
static struct vdisk *take_disk(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = fixture->disk;

    fixture->disk = NULL;
    return disk;
}

static bool is_closed(void)
{
    return fake_leaks(NULL, 0) == 0;
}

/* Within a time. */

static void what_takes_no_time_is_closed(void **state)
{
    struct vdisk *disk = take_disk(state);
    struct vdisk_error err;

    assert_int_equal(vdisk_pwrite(disk, data, sizeof data, 0, 0, NULL), 0);
    if (vdisk_close_within(disk, 600000, &err) < 0)
        fail_msg("%s", err.message);
    assert_true(is_closed());
    assert_true(holds(0, sizeof data, 1));
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

static void no_limit_is_as_closing(void **state)
{
    struct vdisk *disk = take_disk(state);

    assert_int_equal(vdisk_close_within(disk, -1, NULL), 0);
    assert_true(is_closed());
}

static void what_is_not_over_in_time_goes_on_without_the_caller(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    struct vdisk_error err;

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_as(&a, fixture->queue, disk, data, sizeof data, 0, 0), 0);
    assert_int_equal(vdisk_close_within(disk, 2, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "longer");
    assert_false(is_closed());
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    wait_until(is_closed());
    assert_true(holds(0, sizeof data, 1));
    assert_false(fake_image_closed_unflushed("p", "", "i"));
}

static void it_goes_on_without_queues_too(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    struct vdisk_queue *queue;

    assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
    fake_hold(FAKE_IO);
    assert_int_equal(write_as(&a, queue, disk, data, sizeof data, 0, 0), 0);
    assert_int_equal(write_as(&a, fixture->queue, disk, data, sizeof data, 0, 0), 0);
    cancel(queue, &a);
    cancel(fixture->queue, &a);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    assert_int_equal(vdisk_close_within(disk, 0, NULL), -ETIMEDOUT);
    fake_release_all();
    wait_until(is_closed());
    assert_true(holds(0, sizeof data, 1));
}

static void zero_says_that_nothing_can_land(void **state)
{
    struct vdisk *disk = take_disk(state);
    struct fixture *fixture = *state;

    fake_delay(FAKE_WRITE, 20000);
    assert_int_equal(write_as(&a, fixture->queue, disk, data, sizeof data, 0, 0), 0);
    cancel(fixture->queue, &a);
    assert_int_equal(vdisk_close_within(disk, 600000, NULL), 0);
    assert_int_equal(fake_in_flight(), 0);
    assert_true(holds(0, sizeof data, 1));
}

static void a_write_that_may_still_land_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    struct vdisk_error err;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(vdisk_pwrite(disk, data, sizeof data, 0, 0, NULL), -ETIMEDOUT);
    assert_int_equal(read_as(&a, fixture->queue, disk, data, 1, 0, 0), 0);
    assert_int_equal(vdisk_close_within(disk, 600000, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "\"i\"");
    assert_true(is_closed());
    expect(fixture->queue, &a, -ESHUTDOWN);
}

static void the_error_of_the_flush_is_told_first(void **state)
{
    struct vdisk *disk = take_disk(state);
    struct vdisk_error err;

    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(vdisk_pwrite(disk, data, sizeof data, 0, 0, NULL), -ETIMEDOUT);
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(vdisk_close_within(disk, 600000, &err), -EIO);
    assert_says(&err, -EIO, "Flushing");
    assert_true(is_closed());
}

static void the_error_of_closing_is_told(void **state)
{
    struct vdisk *disk = take_disk(state);
    struct vdisk_error err;

    fake_fail_call("rbd_close", 1, EIO);
    assert_int_equal(vdisk_close_within(disk, 600000, &err), -EIO);
    assert_says(&err, -EIO, "Closing");
    assert_true(is_closed());
}

/* Whatever it is in the midst of. */
static void any_call_of_librbds_may_take_too_long(void **state)
{
    static const char *const calls[] = {"rbd_update_unwatch", "rbd_flush", "rbd_close", "rados_shutdown"};

    close_disk(take_disk(state));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct vdisk *disk = open_disk(IMAGE_URI, 0);

        assert_int_equal(vdisk_pwrite(disk, data, 1, 0, 0, NULL), 0);
        fake_block_call(calls[i]);
        assert_int_equal(vdisk_close_within(disk, 2, NULL), -ETIMEDOUT);
        assert_true(fake_wait_blocked(calls[i]));
        fake_unblock_call(calls[i]);
        wait_until(is_closed());
    }
}

static void what_makes_no_sense_leaves_the_disk_open(void **state)
{
    struct vdisk_error err;
    struct vdisk *disk = take_disk(state);

    assert_int_equal(vdisk_close_within(NULL, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "NULL");
    assert_int_equal(vdisk_close_within(NULL, -1, &err), -EINVAL);
    assert_int_equal(vdisk_close_within(disk, -2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "-2");
    close_disk(disk);
}

static void what_fails_before_it_begins_leaves_the_disk_open(void **state)
{
    struct vdisk *disk = take_disk(state);
    unsigned int n = 0;

    for (;;) {
        struct vdisk_error err;
        int r;

        wrap_fail_nth(++n);
        r = vdisk_close_within(disk, 600000, &err);
        if (!wrap_disarm()) {
            assert_int_equal(r, 0);
            break;
        }
        assert_true(r == -ENOMEM || r == -EAGAIN);
        assert_says(&err, r, "");
        assert_int_equal(vdisk_pwrite(disk, data, 1, 0, 0, NULL), 0);
    }
    /* Queue, requests, deadlines, operation, op entry, thread. */
    assert_int_equal(n, 7);
    assert_true(is_closed());
}

/* On a queue. */

static void it_completes_when_all_is_over(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);

    fake_hold(FAKE_WRITE);
    assert_int_equal(write_as(&a, fixture->other_queue, disk, data, sizeof data, 0, 0), 0);
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, -1, 0, &b, NULL), 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    assert_true(is_closed());
    expect(fixture->other_queue, &a, 0);
    assert_true(holds(0, sizeof data, 1));
}

static void operations_that_were_accepted_before_are_carried_out(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->other_queue, disk, "s", 0, &a, NULL), 0);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, disk, "t", 0, &a, NULL), 0);
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, -1, 0, &b, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
    fake_unblock_call("rbd_snap_create");
    expect(fixture->queue, &a, 0);
    expect(fixture->queue, &b, 0);
    expect(fixture->other_queue, &a, 0);
    assert_true(is_closed());
    assert_int_equal(fake_image_snapshots("p", "", "i"), 2);
}

static void before_its_turn_it_can_be_cancelled(void **state)
{
    struct fixture *fixture = *state;

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, &a, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
    assert_int_equal(vdisk_aio_close(fixture->queue, fixture->disk, -1, 0, &b, NULL), 0);
    cancel(fixture->queue, &b);
    fake_unblock_call("rbd_snap_create");
    expect(fixture->queue, &a, 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, data, 1, 0, 0, NULL), 0);
    close_disk(take_disk(state));
}

/* They would wait for each other. */
static void nothing_is_accepted_behind_it(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, &a, NULL), 0);
    assert_int_equal(vdisk_aio_close(fixture->queue, fixture->disk, -1, 0, &b, NULL), 0);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "t", 0, NULL, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "closed");
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "t", 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, NULL, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_aio_close(fixture->queue, fixture->disk, -1, 0, NULL, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "closed");
    assert_int_equal(vdisk_close_within(fixture->disk, 1, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -ESHUTDOWN);
    /* If it is cancelled, all is as before. */
    cancel(fixture->queue, &b);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "t", 0, &b, NULL), 0);
    fake_unblock_call("rbd_snap_create");
    expect(fixture->queue, &a, 0);
    expect(fixture->queue, &b, 0);
    close_disk(take_disk(state));
}

/* The disk's connection is replaced meanwhile. */
static void it_may_wait_for_a_reopening(void **state)
{
    struct fixture *fixture = *state;

    close_disk(take_disk(state));
    for (int i = 0; i < 20; i++) {
        struct vdisk *disk = open_disk(IMAGE_URI, 0);

        assert_int_equal(vdisk_aio_reopen(fixture->queue, disk, 0, &a, NULL), 0);
        for (int spin = 0; spin < i * 20; spin++)
            sched_yield();
        assert_int_equal(vdisk_aio_close(fixture->queue, disk, -1, 0, &b, NULL), 0);
        expect(fixture->queue, &a, 0);
        expect(fixture->queue, &b, 0);
    }
}

static void once_it_runs_it_cannot_be_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);

    fake_block_call("rbd_close");
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, -1, 0, &b, NULL), 0);
    assert_true(fake_wait_blocked("rbd_close"));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &b), -EBUSY);
    fake_unblock_call("rbd_close");
    expect(fixture->queue, &b, 0);
    assert_true(is_closed());
}

static void its_limit_rings_and_leaves_the_rest_to_the_library(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    struct pollfd fd = {.fd = vdisk_queue_get_fd(fixture->queue), .events = POLLIN};
    struct vdisk_queue *queue;
    struct vdisk_completion done;
    struct vdisk_error err;

    assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
    fd.fd = vdisk_queue_get_fd(queue);
    fake_hold(FAKE_WRITE);
    assert_int_equal(write_as(&a, fixture->queue, disk, data, sizeof data, 0, 0), 0);
    assert_int_equal(vdisk_aio_close(queue, disk, 2, 0, &b, NULL), 0);
    do
        assert_int_equal(poll(&fd, 1, 30000), 1);
    while (vdisk_queue_reap(queue, &done, 1) == 0);
    assert_ptr_equal(done.user_data, &b);
    assert_int_equal(vdisk_queue_error(queue, &done, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "longer");
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    fake_release_all();
    wait_until(is_closed());
    expect(fixture->queue, &a, 0);
}

/* Even when its turn had not come. */
static void a_limit_in_the_midst_of_other_operations_closes_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, disk, "s", 0, &a, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, 2, 0, &b, NULL), 0);
    expect(fixture->queue, &b, -ETIMEDOUT);
    fake_unblock_call("rbd_snap_create");
    expect(fixture->queue, &a, 0);
    wait_until(is_closed());
}

static void its_sentence_is_that_of_closing(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    struct vdisk_completion done;
    struct vdisk_error err;

    assert_int_equal(vdisk_pwrite(disk, data, 1, 0, 0, NULL), 0);
    fake_next_result(FAKE_FLUSH, -EIO);
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, 600000, 0, &b, NULL), 0);
    done = next_of(fixture->queue);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -EIO);
    assert_says(&err, -EIO, "Flushing image \"i\"");
    assert_true(is_closed());
}

static void what_is_refused_leaves_the_disk_open(void **state)
{
    struct vdisk_queue_options options = {.struct_size = sizeof options, .depth = 1};
    struct vdisk *disk = take_disk(state);
    struct vdisk_queue *queue;
    struct vdisk_error err;
    char byte;

    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    assert_int_equal(vdisk_aio_close(NULL, disk, -1, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "queue");
    assert_int_equal(vdisk_aio_close(queue, NULL, -1, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "disk");
    assert_int_equal(vdisk_aio_close(queue, disk, -2, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "-2");
    assert_int_equal(vdisk_aio_close(queue, disk, -1, 1, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "0x1");
    assert_int_equal(read_as(&a, queue, disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_aio_close(queue, disk, -1, 0, NULL, &err), -EAGAIN);
    assert_says(&err, -EAGAIN, "full");
    expect(queue, &a, 0);
    assert_int_equal(vdisk_aio_close(queue, disk, -1, 0, &b, &err), 0);
    expect(queue, &b, 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void what_fails_at_submission_leaves_the_disk_open(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    unsigned int n = 0;
    bool struck;
    int r;

    do {
        wrap_fail_nth(++n);
        r = vdisk_aio_close(fixture->queue, disk, 600000, 0, &b, NULL);
        struck = wrap_disarm();
        /* Without a thread for its alarm it goes on. */
        assert_true(r == 0 || r == -ENOMEM || r == -EAGAIN);
    } while (r < 0);
    assert_true(struck || n > 3);
    expect(fixture->queue, &b, 0);
    assert_true(is_closed());
}

static void new_requests_are_refused_while_it_closes(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = take_disk(state);
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_aio_close(fixture->queue, disk, -1, 0, &b, NULL), 0);
    wait_until(vdisk_pread(disk, NULL, 0, 0, 0, NULL) == -ESHUTDOWN);
    assert_int_equal(read_as(&a, fixture->other_queue, disk, &byte, 1, 0, 0), -ESHUTDOWN);
    assert_int_equal(vdisk_aio_flush(fixture->queue, disk, 0, &a), -ESHUTDOWN);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, disk, "s", 0, &a, NULL), -ESHUTDOWN);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    expect(fixture->queue, &b, 0);
}

/* Races. */

/* A request that comes to wait for ever just when the disk is closed must not keep it from closing. */
static void closing_and_waiting_may_meet(void **state)
{
    struct fixture *fixture = *state;

    close_disk(take_disk(state));
    for (int round = 0; round < 300; round++) {
        struct closing closing = {.disk = open_disk(IMAGE_URI, 0)};
        struct vdisk_completion done[256];
        unsigned char byte;
        int r;

        fake_next_result(FAKE_WRITE, -ETIMEDOUT);
        assert_int_equal(vdisk_pwrite(closing.disk, data, 1, 0, 0, NULL), -ETIMEDOUT);
        /* Keeps the disk until here there is nobody who would use it. */
        fake_hold(FAKE_READ);
        assert_int_equal(read_as(&a, fixture->other_queue, closing.disk, &byte, 1, MIB, 0), 0);
        assert_int_equal(vdisk_aio_close(fixture->other_queue, closing.disk, -1, 0, &b, NULL), 0);
        do {
            r = read_as(&a, fixture->queue, closing.disk, &byte, 1, 0, 0);
            assert_true(r == 0 || r == -ESHUTDOWN || r == -EAGAIN);
        } while (r == 0);
        fake_release_all();
        expect(fixture->other_queue, &a, 0);
        expect(fixture->other_queue, &b, -ETIMEDOUT);
        while (vdisk_queue_in_flight(fixture->queue) > 0) {
            int count = vdisk_queue_wait(fixture->queue, done, 1, 256, 30000);

            assert_true(count > 0);
            for (int i = 0; i < count; i++)
                assert_int_equal(done[i].result, -ESHUTDOWN);
        }
    }
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(what_takes_no_time_is_closed),
        DISK_TEST(no_limit_is_as_closing),
        DISK_TEST(what_is_not_over_in_time_goes_on_without_the_caller),
        DISK_TEST(it_goes_on_without_queues_too),
        DISK_TEST(zero_says_that_nothing_can_land),
        DISK_TEST(a_write_that_may_still_land_is_told),
        DISK_TEST(the_error_of_the_flush_is_told_first),
        DISK_TEST(the_error_of_closing_is_told),
        DISK_TEST(any_call_of_librbds_may_take_too_long),
        DISK_TEST(what_makes_no_sense_leaves_the_disk_open),
        DISK_TEST(what_fails_before_it_begins_leaves_the_disk_open),
        DISK_TEST(it_completes_when_all_is_over),
        DISK_TEST(operations_that_were_accepted_before_are_carried_out),
        DISK_TEST(before_its_turn_it_can_be_cancelled),
        DISK_TEST(nothing_is_accepted_behind_it),
        DISK_TEST(it_may_wait_for_a_reopening),
        DISK_TEST(once_it_runs_it_cannot_be_cancelled),
        DISK_TEST(its_limit_rings_and_leaves_the_rest_to_the_library),
        DISK_TEST(a_limit_in_the_midst_of_other_operations_closes_all_the_same),
        DISK_TEST(its_sentence_is_that_of_closing),
        DISK_TEST(what_is_refused_leaves_the_disk_open),
        DISK_TEST(what_fails_at_submission_leaves_the_disk_open),
        DISK_TEST(new_requests_are_refused_while_it_closes),
        DISK_TEST(closing_and_waiting_may_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
