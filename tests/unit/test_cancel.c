/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vdisk_queue_cancel: what can be cancelled, what its completion is, and that the caller's memory is the caller's. */
#include "cancel_helpers.h"

#include <poll.h>
#include <sched.h>

#include "ops/op.h"
#include "wrap.h"

#define LENGTH 8192

static bool is_readable(struct vdisk_queue *queue)
{
    struct pollfd fd = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&fd, 1, 0) == 1;
}

/* Counting. */

static void only_what_has_the_tag_is_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    char bytes[3];

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &bytes[0], 1, 0, 0), 0);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, &bytes[1], 1, 1, 0), 0);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &bytes[2], 1, 2, 0), 0);
    assert_int_equal(read_as(&a, fixture->other_queue, fixture->disk, &bytes[2], 1, 2, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 2);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 3);
    expect(fixture->queue, &a, -ECANCELED);
    expect(fixture->queue, &a, -ECANCELED);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    expect_nothing(fixture->queue);
    expect(fixture->other_queue, &a, 0);
}

static void with_nothing_to_cancel_it_says_so(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &b), -ENOENT);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, NULL), -ENOENT);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 1);
    /* It is finished, reaped or not. */
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
    expect(fixture->queue, &a, -ECANCELED);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
    assert_int_equal(vdisk_queue_cancel(NULL, &a), -EINVAL);
}

static void what_is_complete_stays_complete(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    assert_true(fake_wait_idle());
    wait_until(is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
    /* Looking has not silenced it. */
    assert_true(is_readable(fixture->queue));
    expect(fixture->queue, &a, 0);
}

static void a_null_tag_is_a_tag(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    cancel(fixture->queue, NULL);
}

static void the_completion_is_in_the_next_reap(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[3];
    char bytes[2];

    fake_hold(FAKE_READ);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &bytes[i], 1, i, 0), 0);
    assert_false(is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 2);
    assert_true(is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_true(is_readable(fixture->queue));
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 3), 2);
    assert_false(is_readable(fixture->queue));
    /* The next one's sentence is an ordinary one. */
    assert_int_equal(vdisk_queue_error(fixture->queue, &done[0], NULL), -ECANCELED);
}

/* Cancelling over and over must not fill the pipe that makes the descriptor readable. */
static void cancelling_without_reaping_is_fine(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 1);
    for (int i = 0; i < 200000; i++)
        assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_false(is_readable(fixture->queue));
}

static void every_kind_of_request_can_be_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    static char buffer[512], other[512];

    fake_hold(FAKE_IO);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, buffer, 512, 0, 0), 0);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, buffer, 512, 4096, VDISK_IO_FUA), 0);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, 512, 8192, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, fixture->disk, 0, &a), 0);
    assert_int_equal(vdisk_aio_discard(fixture->queue, fixture->disk, MIB, MIB, 0, &a), 0);
    assert_int_equal(vdisk_aio_write_zeroes(fixture->queue, fixture->disk, MIB, 2 * MIB, VDISK_IO_FUA, &a), 0);
    assert_int_equal(vdisk_aio_compare_and_write(fixture->queue, fixture->disk, buffer, other, 512, 3 * MIB, 0, &a), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 7);
    for (size_t i = 0; i < 7; i++)
        expect(fixture->queue, &a, -ECANCELED);
    expect_nothing(fixture->queue);
    expect_left(fixture->disk, 7, 5);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
}

static void room_comes_back_at_once(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_queue_options options = {.struct_size = sizeof options, .depth = 1, .bounce_bytes = VDISK_MAX_REQUEST};
    struct vdisk_queue *queue;
    char *buffer = malloc(VDISK_MAX_REQUEST);

    assert_non_null(buffer);
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    fake_hold(FAKE_READ);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_as(&a, queue, fixture->disk, buffer, VDISK_MAX_REQUEST, 0, 0), 0);
        assert_int_equal(read_as(&b, queue, fixture->disk, buffer, 1, 0, 0), -EAGAIN);
        cancel(queue, &a);
    }
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    free(buffer);
    expect_left(fixture->disk, 4, 0);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
}

/* Memory. */

static void a_late_read_does_not_touch_the_buffer(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[LENGTH];
    unsigned char *buffer = malloc(LENGTH);

    assert_non_null(buffer);
    fill(data, LENGTH, 1);
    fake_image_write("p", "", "i", 0, data, LENGTH);
    fill(buffer, LENGTH, 2);
    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, LENGTH, 0, 0), 0);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, buffer, LENGTH, 0, 0), 0);
    cancel(fixture->queue, &a);
    fake_hold(0);
    assert_int_equal(fake_release(FAKE_READ, 1, FAKE_FIFO, 0), 1);
    wait_until(nothing_left(fixture->disk));
    assert_true(is_filled(buffer, LENGTH, 2));
    /* For AddressSanitizer, one that is gone by then. */
    cancel(fixture->queue, &b);
    free(buffer);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
}

static void the_buffer_is_untouched_before_the_completion_too(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char buffer[LENGTH];

    fill(buffer, LENGTH, 2);
    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, LENGTH, 0, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 1);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    expect(fixture->queue, &a, -ECANCELED);
    assert_true(is_filled(buffer, LENGTH, 2));
}

static void a_late_write_writes_what_was_given(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char *buffer = malloc(LENGTH);

    assert_non_null(buffer);
    fill(buffer, LENGTH, 1);
    fake_hold(FAKE_WRITE);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, buffer, LENGTH, 512, 0), 0);
    cancel(fixture->queue, &a);
    free(buffer);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    assert_true(holds(512, LENGTH, 1));
}

static void what_librbd_has_of_the_callers_is_not_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    char buffer[512], other;

    fake_hold(FAKE_IO);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, 512, 0, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -EBUSY);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &other, 1, 0, 0), 0);
    /* One of the two. */
    cancel(fixture->queue, &a);
    assert_int_equal(write_as(&b, fixture->queue, fixture->disk, buffer, 512, 512, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &b), -EBUSY);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    expect(fixture->queue, &b, 0);
    expect_nothing(fixture->queue);
}

/* Operations. */

struct operation {
    struct vd_op op;
    struct vdisk *opened;
};

static atomic_uint opened, closed;
static atomic_bool may_run;

static int run_operation(struct vd_op *op, struct vdisk_error *err)
{
    (void)err;
    atomic_fetch_add(&opened, 1);
    while (!atomic_load(&may_run))
        nap();
    ((struct operation *)op)->opened = (struct vdisk *)(void *)&a;
    return 0;
}

static void deliver_operation(struct vd_op *op, struct vdisk_completion *completion)
{
    struct operation *this = (struct operation *)op;

    completion->disk = this->opened;
    this->opened = NULL;
}

static void clear_operation(struct vd_op *op)
{
    if (((struct operation *)op)->opened)
        atomic_fetch_add(&closed, 1);
}

/* As an opening is. */
static const struct vd_op_kind abandoned_kind = {
    .run = run_operation, .deliver = deliver_operation, .destroy = clear_operation, .can_be_abandoned = true};

static const struct vd_op_kind kept_kind = {
    .run = run_operation, .deliver = deliver_operation, .destroy = clear_operation};

static void submit_operation(const struct fixture *fixture, const struct vd_op_kind *kind)
{
    struct operation *operation =
        vd_op_new(sizeof *operation, kind, NULL, vd_cluster_get(fixture->disk->connection->cluster), NULL);

    assert_non_null(operation);
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    atomic_store(&may_run, false);
    assert_int_equal(vd_op_submit(fixture->queue, &operation->op, 0, &a, NULL), 0);
    wait_until(atomic_load(&opened) == 1);
}

static void what_an_abandoned_opening_opens_late_is_closed(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    submit_operation(fixture, &abandoned_kind);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 1);
    done = next_of(fixture->queue);
    assert_int_equal(done.result, -ECANCELED);
    assert_null(done.disk);
    expect_nothing(fixture->queue);
    assert_int_equal(atomic_load(&closed), 0);
    atomic_store(&may_run, true);
    wait_until(atomic_load(&closed) == 1);
}

static void an_operation_that_runs_is_not_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    submit_operation(fixture, &kept_kind);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -EBUSY);
    atomic_store(&may_run, true);
    done = next_of(fixture->queue);
    assert_int_equal(done.result, 0);
    assert_ptr_equal(done.disk, &a);
    assert_int_equal(atomic_load(&closed), 0);
}

static void an_operation_whose_turn_has_not_come_is_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    struct vdisk_completion done;

    fake_block_call("rbd_snap_create");
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "s", 0, &a, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
    assert_int_equal(vdisk_aio_snapshot_create(fixture->queue, fixture->disk, "t", 0, &b, NULL), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -EBUSY);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &b), 1);
    done = next_of(fixture->queue);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ECANCELED);
    assert_says(&err, -ECANCELED, "cancelled");
    fake_unblock_call("rbd_snap_create");
    expect(fixture->queue, &a, 0);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
}

static void a_watch_ends(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &a, NULL), 0);
    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), 2);
    expect(fixture->queue, &a, -ECANCELED);
    expect(fixture->queue, &a, -ECANCELED);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &a), -ENOENT);
}

/* Failing. */

/* A request that gives its I/O away needs another one the next time. */
static void out_of_memory_after_giving_up_refuses_the_next_request(void **state)
{
    const struct fixture *fixture = *state;
    char byte;
    int r;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    cancel(fixture->queue, &a);
    for (unsigned int n = 1;; n++) {
        wrap_fail_nth(n);
        r = read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0);
        if (!wrap_disarm())
            break;
        assert_int_equal(r, -ENOMEM);
        expect_nothing(fixture->queue);
    }
    assert_int_equal(r, 0);
    fake_release_all();
    expect(fixture->queue, &a, 0);
}

static void what_librbd_refuses_later_ends_what_was_cancelled(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_read", 1, EIO);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    cancel(fixture->queue, &a);
    fake_release_all();
    wait_until(nothing_left(fixture->disk));
    expect_nothing(fixture->queue);
}

/* For the sanitizers: completing and cancelling meet, again and again. */

static atomic_bool racing;

static int release_often(void *argument)
{
    unsigned int seed = 1;

    (void)argument;
    while (atomic_load(&racing)) {
        if (fake_release(FAKE_IO, 2, FAKE_RANDOM, seed++) == 0)
            sched_yield();
    }
    return 0;
}

#define RACE_ROUNDS 4000
#define RACE_REQUESTS 4

static void submit_race(const struct fixture *fixture, unsigned char *buffer, int round)
{
    /* Some overlap with what was cancelled before. */
    uint64_t offset = (uint64_t)round % 3 * 4096;

    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, buffer, 4096, offset, 0), 0);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, buffer, 4096, offset, 0), 0);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, buffer + 4096, 1, offset, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(vdisk_aio_discard(fixture->queue, fixture->disk, MIB, offset, 0, &a), 0);
}

/* Returns how many of the completions are cancellations. */
static int reap_race(struct vdisk_queue *queue)
{
    struct vdisk_completion done[RACE_REQUESTS + 1];
    int cancelled = 0;

    assert_int_equal(vdisk_queue_wait(queue, done, RACE_REQUESTS, RACE_REQUESTS + 1, 30000), RACE_REQUESTS);
    for (int i = 0; i < RACE_REQUESTS; i++) {
        assert_true(done[i].result == 0 || done[i].result == -ECANCELED);
        cancelled += done[i].result == -ECANCELED;
    }
    return cancelled;
}

static void each_completes_once_whoever_is_quicker(void **state)
{
    static struct background releasing;
    const struct fixture *fixture = *state;

    fake_set_serialized(false);
    fake_hold(FAKE_IO);
    atomic_store(&racing, true);
    start_background(&releasing, release_often, NULL);
    for (int round = 0; round < RACE_ROUNDS; round++) {
        unsigned char *buffer = calloc(2, 4096);
        int r;

        assert_non_null(buffer);
        submit_race(fixture, buffer, round);
        if (round % 3 == 0)
            sched_yield();
        r = vdisk_queue_cancel(fixture->queue, &a);
        assert_true(r > 0 || r == -ENOENT);
        assert_int_equal(reap_race(fixture->queue), r > 0 ? r : 0);
        free(buffer);
        /* So that what is left over does not grow beyond what may be. */
        if (round % 100 == 0)
            wait_until(nothing_left(fixture->disk));
    }
    wait_until(nothing_left(fixture->disk));
    atomic_store(&racing, false);
    end_background(&releasing);
    expect_nothing(fixture->queue);
}

/* The same with requests that are merged, of which every other one is cancelled. */
static void each_member_completes_once_whoever_is_quicker(void **state)
{
    static struct background releasing;
    const struct fixture *fixture = *state;

    fake_set_serialized(false);
    fake_hold(FAKE_IO);
    atomic_store(&racing, true);
    start_background(&releasing, release_often, NULL);
    for (int round = 0; round < RACE_ROUNDS; round++) {
        unsigned char *buffer = calloc(RACE_REQUESTS, 512);
        bool is_read = round % 2;
        int r;

        assert_non_null(buffer);
        assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
        for (uint64_t i = 0; i < RACE_REQUESTS; i++) {
            char *tag = i % 2 || round % 5 == 0 ? &a : &b;
            unsigned char *part = buffer + i * 512;

            assert_int_equal(is_read ? read_as(tag, fixture->queue, fixture->disk, part, 512, i * 512, 0)
                                     : write_as(tag, fixture->queue, fixture->disk, part, 512, i * 512, 0),
                             0);
        }
        assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
        if (round % 3 == 0)
            sched_yield();
        r = vdisk_queue_cancel(fixture->queue, &a);
        assert_true(r > 0 || r == -ENOENT);
        assert_int_equal(reap_race(fixture->queue), r > 0 ? r : 0);
        free(buffer);
        if (round % 100 == 0)
            wait_until(nothing_left(fixture->disk));
    }
    wait_until(nothing_left(fixture->disk));
    atomic_store(&racing, false);
    end_background(&releasing);
    expect_nothing(fixture->queue);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(only_what_has_the_tag_is_cancelled),
        DISK_TEST(with_nothing_to_cancel_it_says_so),
        DISK_TEST(what_is_complete_stays_complete),
        DISK_TEST(a_null_tag_is_a_tag),
        DISK_TEST(the_completion_is_in_the_next_reap),
        DISK_TEST(cancelling_without_reaping_is_fine),
        DISK_TEST(every_kind_of_request_can_be_cancelled),
        DISK_TEST(room_comes_back_at_once),
        DISK_TEST(a_late_read_does_not_touch_the_buffer),
        DISK_TEST(the_buffer_is_untouched_before_the_completion_too),
        DISK_TEST(a_late_write_writes_what_was_given),
        DISK_TEST(what_librbd_has_of_the_callers_is_not_cancelled),
        DISK_TEST(what_an_abandoned_opening_opens_late_is_closed),
        DISK_TEST(an_operation_that_runs_is_not_cancelled),
        DISK_TEST(an_operation_whose_turn_has_not_come_is_cancelled),
        DISK_TEST(a_watch_ends),
        DISK_TEST(out_of_memory_after_giving_up_refuses_the_next_request),
        DISK_TEST(what_librbd_refuses_later_ends_what_was_cancelled),
        DISK_TEST(each_completes_once_whoever_is_quicker),
        DISK_TEST(each_member_completes_once_whoever_is_quicker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
