/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control operations on a queue, as callers see them, by the example of snapshots: the same as the calls that wait, in
 * order for each disk, refused whole or completed once.
 */
#include "blocked_snapshot_helpers.h"

#include <errno.h>
#include <string.h>

#include "completion_helpers.h"
#include "fake.h"
#include "wrap.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* The operations, in both forms. */
static const struct operation {
    int (*wait)(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);
    int (*submit)(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags, void *user_data,
                  struct vdisk_error *err);
    const char *function;
} operations[] = {
    {vdisk_snapshot_create, vdisk_aio_snapshot_create, "rbd_snap_create"},
    {vdisk_snapshot_remove, vdisk_aio_snapshot_remove, "rbd_snap_remove2"},
    {vdisk_snapshot_rollback, vdisk_aio_snapshot_rollback, "rbd_snap_rollback_with_progress"},
    {vdisk_snapshot_protect, vdisk_aio_snapshot_protect, "rbd_snap_protect"},
    {vdisk_snapshot_unprotect, vdisk_aio_snapshot_unprotect, "rbd_snap_unprotect"},
};

/* That what was refused has left nothing behind. */
static void check_nothing_accepted(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, -1), 0);
}

/* Two forms of one call. */

static void compare_forms(const struct fixture *fixture, const struct operation *operation, int error)
{
    struct vdisk_error waited = {0}, queued = {0};
    struct vdisk_completion done;

    fake_fail_call(operation->function, 1, error);
    assert_int_equal(operation->wait(fixture->disk, "s", 0, &waited), -error);
    fake_fail_call(operation->function, 1, error);
    assert_int_equal(operation->submit(fixture->queue, fixture->disk, "s", 0, NULL, NULL), 0);
    done = next_of(fixture->queue);
    assert_int_equal(done.result, -error);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &queued), -error);
    assert_says(&queued, -error, "napshot");
    assert_string_equal(queued.message, waited.message);
}

static void both_forms_fail_alike(void **state)
{
    static const int errors[] = {EBUSY, EINVAL, ENOENT, EEXIST, EIO, ENOSPC, ETIMEDOUT};

    for (size_t i = 0; i < LENGTH(operations); i++) {
        for (size_t j = 0; j < LENGTH(errors); j++)
            compare_forms(*state, &operations[i], errors[j]);
    }
}

/* The image "i" is changed by calls that wait, "j" on the queue. */
static void both_forms_do_the_same(void **state)
{
    static const size_t steps[] = {0, 0, 3, 1, 2, 4, 1, 1};
    const struct fixture *fixture = *state;
    struct vdisk *other;

    fake_create_image("p", "", "j", MIB);
    other = open_disk("rbd:p/j", 0);
    for (size_t i = 0; i < LENGTH(steps); i++) {
        const struct operation *operation = &operations[steps[i]];
        int waited = operation->wait(fixture->disk, "s", 0, NULL);

        assert_int_equal(operation->submit(fixture->queue, other, "s", 0, NULL, NULL), 0);
        assert_int_equal(reap_one(fixture->queue), waited);
        assert_int_equal(fake_image_snapshots("p", "", "i"), fake_image_snapshots("p", "", "j"));
        assert_int_equal(fake_calls(operation->function) % 2, 0);
    }
    close_disk(other);
}

static void check_refused_alike(const struct fixture *fixture, struct vdisk *disk, const char *name, uint32_t flags,
                                int expected)
{
    for (size_t i = 0; i < LENGTH(operations); i++) {
        struct vdisk_error waited = {0}, queued = {0};

        assert_int_equal(operations[i].wait(disk, name, flags, &waited), expected);
        assert_int_equal(operations[i].submit(fixture->queue, disk, name, flags, NULL, &queued), expected);
        assert_says(&queued, expected, "");
        assert_string_equal(queued.message, waited.message);
        check_nothing_accepted(fixture->queue);
    }
}

static void both_forms_refuse_alike(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *read_only = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    check_refused_alike(fixture, NULL, "s", 0, -EINVAL);
    check_refused_alike(fixture, fixture->disk, NULL, 0, -EINVAL);
    check_refused_alike(fixture, fixture->disk, "", 0, -EINVAL);
    check_refused_alike(fixture, read_only, "s", 0, -EROFS);
    close_disk(read_only);
}

static void signals_are_blocked_in_both_forms(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(create_snapshot(fixture, "t", NULL), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_snap_create"), 2);
    assert_true(fake_signals_blocked("rbd_snap_create"));
}

/* Accepted. */

static void submitting_does_not_wait(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    start_blocked(fixture, "s");
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 0);
    assert_false(fd_is_readable(fixture->queue));
    unblock();
    wait_until(fd_is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_int_equal(done.result, 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 0);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
}

static void what_the_caller_passed_is_copied(void **state)
{
    const struct fixture *fixture = *state;
    char name[] = "first";

    start_blocked(fixture, "s");
    assert_int_equal(create_snapshot(fixture, name, NULL), 0);
    memset(name, 'x', sizeof name - 1);
    unblock();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "first", 0, NULL), 0);
}

static void a_completion_tells_of_its_operation_alone(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    int tag;

    assert_int_equal(create_snapshot(fixture, "s", &tag), 0);
    memset(&done, 0xff, sizeof done);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_ptr_equal(done.user_data, &tag);
    assert_int_equal(done.result, 0);
    assert_int_equal(done.flags, 0);
    assert_null(done.disk);
    assert_int_equal(done.value, 0);
}

static void operations_and_requests_share_a_queue(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[3];
    char data[512];

    assert_int_equal(create_snapshot(fixture, "s", NULL), 0);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, data, sizeof data, 0), 0);
    assert_int_equal(create_snapshot(fixture, "t", NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 3, 3, 30000), 3);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(done[i].result, 0);
}

/* Order. */

static void operations_of_a_disk_run_and_complete_in_order(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[5];

    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < 5; i++) {
            static const size_t order[] = {0, 3, 4, 2, 1};

            assert_int_equal(operations[order[i]].submit(fixture->queue, fixture->disk, "s", 0, &done[i], NULL), 0);
        }
        assert_int_equal(vdisk_queue_wait(fixture->queue, done, 5, 5, 30000), 5);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(done[i].result, 0);
            assert_ptr_equal(done[i].user_data, &done[i]);
        }
    }
}

static void they_do_so_from_several_queues(void **state)
{
    const struct fixture *fixture = *state;

    start_blocked(fixture, "s");
    assert_int_equal(vdisk_aio_snapshot_remove(fixture->other_queue, fixture->disk, "s", 0, NULL, NULL), 0);
    allow_time_for(fake_calls("rbd_snap_remove2") > 0);
    assert_int_equal(fake_calls("rbd_snap_remove2"), 0);
    unblock();
    assert_int_equal(reap_one(fixture->other_queue), 0);
    /* Its own has come before. */
    assert_true(fd_is_readable(fixture->queue));
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void operations_of_different_disks_run_side_by_side(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *other;

    fake_create_image("p", "", "other", MIB);
    fake_create_snapshot("p", "", "other", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    other = open_disk("rbd:p/other", 0);
    start_blocked(fixture, "s");
    assert_int_equal(vdisk_aio_snapshot_remove(fixture->queue, other, "s", 0, other, NULL), 0);
    assert_ptr_equal(next_of(fixture->queue).user_data, other);
    unblock();
    assert_int_equal(reap_one(fixture->queue), 0);
    close_disk(other);
}

static void requests_do_not_wait_for_operations(void **state)
{
    const struct fixture *fixture = *state;
    char data[512];

    start_blocked(fixture, "s");
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(submit_read(fixture->queue, fixture->disk, data, sizeof data, 0), 0);
        assert_int_equal(reap_one(fixture->queue), 0);
    }
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    unblock();
    assert_int_equal(reap_one(fixture->queue), 0);
}

/* Refused: never completed, and nothing kept. */

static void a_full_queue_refuses(void **state)
{
    struct vdisk_queue_options options;
    const struct fixture *fixture = *state;
    struct fixture small = *fixture;
    struct vdisk_error err;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 1;
    assert_int_equal(vdisk_queue_create(&small.queue, &options, NULL), 0);
    start_blocked(&small, "s");
    assert_int_equal(vdisk_aio_snapshot_create(small.queue, small.disk, "t", 0, NULL, &err), -EAGAIN);
    assert_says(&err, -EAGAIN, "full");
    unblock();
    wait_until(fd_is_readable(small.queue));
    /* Room returns when it is reaped, not before. */
    assert_int_equal(create_snapshot(&small, "t", NULL), -EAGAIN);
    assert_int_equal(reap_one(small.queue), 0);
    check_nothing_accepted(small.queue);
    assert_int_equal(create_snapshot(&small, "t", NULL), 0);
    assert_int_equal(reap_one(small.queue), 0);
    assert_int_equal(vdisk_queue_destroy(small.queue), 0);
    assert_int_equal(fake_calls("rbd_snap_create"), 2);
}

static void no_queue_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_aio_snapshot_create(NULL, fixture->disk, "s", 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "queue is NULL");
    assert_int_equal(fake_calls("rbd_snap_create"), 0);
}

static void flags_that_are_not_known_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 1u << i, NULL, &err), -EINVAL);
        assert_says(&err, -EINVAL, "flags");
    }
    check_nothing_accepted(fixture->queue);
    assert_int_equal(fake_calls("rbd_snap_create"), 0);
}

static void a_closing_disk_refuses(void **state)
{
    struct fixture *fixture = *state;
    struct closing closing;
    struct vdisk_error err;

    start_blocked(fixture, "s");
    start_closing(&closing, fixture->disk);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->other_queue, fixture->disk, "t", 0, NULL, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "closed");
    check_nothing_accepted(fixture->other_queue);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "t", 0, &err), -ESHUTDOWN);
    unblock();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
}

/* The disk is closed after that by the fixture: nothing holds it any more. */
static void without_memory_it_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int failed = 0;

    for (;;) {
        struct vdisk_error err = {0};
        int r;

        wrap_fail_nth(failed + 1);
        r = vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, NULL, &err);
        if (!wrap_disarm())
            break;
        assert_int_equal(r, strcmp(wrap_failed_name(), "pthread_create") == 0 ? -EAGAIN : -ENOMEM);
        assert_says(&err, r, "");
        check_nothing_accepted(fixture->queue);
        failed++;
    }
    /* The operation, its name, its op entry, its thread. */
    assert_int_equal(failed, 4);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_snap_create"), 1);
}

static void without_a_thread_it_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    wrap_fail_call("pthread_create", 1);
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, NULL, &err), -EAGAIN);
    assert_true(wrap_disarm());
    assert_says(&err, -EAGAIN, "thread");
    check_nothing_accepted(fixture->queue);
    assert_int_equal(create_snapshot(fixture, "s", NULL), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(fake_calls("rbd_snap_create"), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_disk, tear_down_disk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_forms_fail_alike),
        TEST(both_forms_do_the_same),
        TEST(both_forms_refuse_alike),
        TEST(signals_are_blocked_in_both_forms),
        TEST(submitting_does_not_wait),
        TEST(what_the_caller_passed_is_copied),
        TEST(a_completion_tells_of_its_operation_alone),
        TEST(operations_and_requests_share_a_queue),
        TEST(operations_of_a_disk_run_and_complete_in_order),
        TEST(they_do_so_from_several_queues),
        TEST(operations_of_different_disks_run_side_by_side),
        TEST(requests_do_not_wait_for_operations),
        TEST(a_full_queue_refuses),
        TEST(no_queue_is_refused),
        TEST(flags_that_are_not_known_are_refused),
        TEST(a_closing_disk_refuses),
        TEST(without_memory_it_is_refused),
        TEST(without_a_thread_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
