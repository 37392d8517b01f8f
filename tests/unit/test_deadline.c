/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * io_timeout_ms. What must time out is held for ever, and given a millisecond or some; what must not is given an hour.
 * No test looks at the clock.
 */
#include "cancel_helpers.h"

#include <dirent.h>
#include <poll.h>

#include "thread/alarm.h"
#include "wrap.h"

#define SHORT 2
#define LONG (3600 * 1000)

static struct vdisk *open_timed(uint32_t io_timeout_ms, uint32_t flags)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.io_timeout_ms = io_timeout_ms;
    options.flags = flags;
    return open_disk_with(IMAGE_URI, &options);
}

/* The fixture's disk has no limit; this one has. */
static struct vdisk *timed;

static const unsigned char zero_page[4096];

static int set_up(void **state)
{
    int r = set_up_disk(state);

    timed = open_timed(SHORT, 0);
    return r;
}

static int tear_down(void **state)
{
    fake_release_all();
    if (timed)
        close_disk(timed);
    timed = NULL;
    return tear_down_disk(state);
}

static void poll_for(struct vdisk_queue *queue)
{
    struct pollfd fd = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    assert_int_equal(poll(&fd, 1, 30000), 1);
}

/* As a loop does that has nothing but the descriptor. */
static struct vdisk_completion poll_and_reap(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    do
        poll_for(queue);
    while (vdisk_queue_reap(queue, &done, 1) == 0);
    return done;
}

static unsigned int count_threads(void)
{
    DIR *threads = opendir("/proc/self/task");
    unsigned int count = 0;
    const struct dirent *entry;

    assert_non_null(threads);
    while ((entry = readdir(threads)))
        count += entry->d_name[0] != '.';
    closedir(threads);
    return count;
}

/* Queues. */

static void the_descriptor_tells(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char buffer[100];
    struct vdisk_completion done;

    fill(buffer, sizeof buffer, 1);
    fake_hold(FAKE_READ);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(read_as(&a, fixture->queue, timed, buffer, sizeof buffer, 0, 0), 0);
        done = poll_and_reap(fixture->queue);
        assert_ptr_equal(done.user_data, &a);
        assert_int_equal(done.result, -ETIMEDOUT);
    }
    expect_left(timed, 3, 0);
    fake_release_all();
    wait_until(nothing_left(timed));
    assert_true(is_filled(buffer, sizeof buffer, 1));
    expect_nothing(fixture->queue);
}

static void waiting_and_draining_end_in_time(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&a, fixture->queue, timed, &byte, 1, 0, 0), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
    assert_int_equal(read_as(&b, fixture->queue, timed, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    expect(fixture->queue, &b, -ETIMEDOUT);
}

static void every_kind_of_request_times_out(void **state)
{
    const struct fixture *fixture = *state;
    static char buffer[512], other[512];
    struct vdisk_completion done[6];

    fake_hold(FAKE_IO);
    assert_int_equal(write_as(&a, fixture->queue, timed, buffer, 512, 0, 0), 0);
    assert_int_equal(read_as(&a, fixture->queue, timed, buffer, 512, 8192, 0), 0);
    assert_int_equal(vdisk_aio_flush(fixture->queue, timed, 0, &a), 0);
    assert_int_equal(vdisk_aio_discard(fixture->queue, timed, MIB, MIB, 0, &a), 0);
    assert_int_equal(vdisk_aio_write_zeroes(fixture->queue, timed, MIB, 2 * MIB, 0, &a), 0);
    assert_int_equal(vdisk_aio_compare_and_write(fixture->queue, timed, buffer, other, 512, 3 * MIB, 0, &a), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 6, 6, 30000), 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(done[i].result, -ETIMEDOUT);
    expect_left(timed, 6, 4);
}

static void each_disk_has_its_own_limit(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *slow = open_timed(LONG, 0);
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(read_as(&b, fixture->queue, slow, &byte, 1, 0, 0), 0);
    assert_int_equal(read_as(&b, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    /* The later one comes first, though the alarm was set to another time. */
    assert_int_equal(read_as(&a, fixture->queue, timed, &byte, 1, 0, 0), 0);
    assert_ptr_equal(poll_and_reap(fixture->queue).user_data, &a);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 2);
    fake_release_all();
    expect(fixture->queue, &b, 0);
    expect(fixture->queue, &b, 0);
    close_disk(slow);
}

static void many_time_out_together(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done[256];
    char byte;

    fake_hold(FAKE_READ);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(read_as(&a, fixture->queue, timed, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 256, 256, 30000), 256);
    for (size_t i = 0; i < 256; i++)
        assert_int_equal(done[i].result, -ETIMEDOUT);
}

static void what_completes_in_time_does_not_time_out(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *slow = open_timed(LONG, 0);
    char byte;

    for (int i = 0; i < 100; i++) {
        assert_int_equal(read_as(&a, fixture->queue, slow, &byte, 1, 0, 0), 0);
        expect(fixture->queue, &a, 0);
    }
    close_disk(slow);
}

/* What was complete before anybody looked counts as complete, however late it is. */
static void what_is_complete_does_not_time_out(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
        assert_int_equal(read_as(&b, fixture->queue, timed, &byte, 0, 0, 0), 0);
        for (int naps = 0; naps < 2 * SHORT; naps++)
            nap();
        assert_int_equal(next_of(fixture->queue).result, 0);
        assert_int_equal(next_of(fixture->queue).result, 0);
    }
}

static void a_retry_that_waits_times_out_too(void **state)
{
    const struct fixture *fixture = *state;
    unsigned char data[512];

    fill(data, sizeof data, 1);
    fake_hold(FAKE_WRITE);
    assert_int_equal(write_as(&a, fixture->queue, timed, data, 512, 0, 0), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
    assert_int_equal(write_as(&b, fixture->queue, timed, zero_page, 512, 0, 0), 0);
    assert_int_equal(poll_and_reap(fixture->queue).result, -ETIMEDOUT);
    expect_left(timed, 1, 1);
    fake_release_all();
    wait_until(nothing_left(timed));
    assert_true(holds(0, 512, 1));
}

static void the_callers_memory_is_waited_for_once_librbd_has_it(void **state)
{
    const struct fixture *fixture = *state;
    char buffer[512], byte;

    fake_hold(FAKE_IO);
    assert_int_equal(read_as(&a, fixture->queue, timed, buffer, 512, 0, VDISK_IO_ZERO_COPY), 0);
    assert_int_equal(read_as(&b, fixture->queue, timed, &byte, 1, 0, 0), 0);
    expect(fixture->queue, &b, -ETIMEDOUT);
    /* Its time was earlier. */
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_int_equal(write_as(&b, fixture->queue, timed, buffer, 512, MIB, 0), 0);
    expect(fixture->queue, &b, -ETIMEDOUT);
    /* This one librbd has not got. */
    assert_int_equal(write_as(&b, fixture->queue, timed, buffer, 512, MIB, VDISK_IO_ZERO_COPY), 0);
    expect(fixture->queue, &b, -ETIMEDOUT);
    fake_release_all();
    expect(fixture->queue, &a, 0);
    expect_nothing(fixture->queue);
}

static void requests_that_gather_time_out(void **state)
{
    const struct fixture *fixture = *state;
    char bytes[2];

    fake_hold(FAKE_READ);
    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
    assert_int_equal(read_as(&a, fixture->queue, timed, &bytes[0], 1, 0, 0), 0);
    assert_int_equal(read_as(&b, fixture->queue, timed, &bytes[1], 1, 1, 0), 0);
    assert_int_equal(poll_and_reap(fixture->queue).result, -ETIMEDOUT);
    assert_int_equal(poll_and_reap(fixture->queue).result, -ETIMEDOUT);
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
    expect_nothing(fixture->queue);
    fake_release_all();
    wait_until(nothing_left(timed));
}

/* Destroying. */

static void a_queue_can_be_destroyed_with_its_alarm_set_or_ringing(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    for (int i = 0; i < 200; i++) {
        struct vdisk *disk = i % 2 ? timed : fixture->disk;
        struct vdisk_queue *queue;

        assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
        assert_int_equal(read_as(&a, queue, timed, &byte, 0, 0, 0), 0);
        assert_int_equal(read_as(&a, queue, disk, &byte, 0, 0, 0), 0);
        expect(queue, &a, 0);
        expect(queue, &a, 0);
        for (int naps = 0; naps < i % 4; naps++)
            nap();
        assert_int_equal(vdisk_queue_destroy(queue), 0);
    }
}

/* Synchronous calls. */

static void synchronous_calls_time_out(void **state)
{
    unsigned char buffer[512];
    struct vdisk_error err;

    (void)state;
    fill(buffer, sizeof buffer, 1);
    fake_hold(FAKE_IO);
    assert_int_equal(vdisk_pread(timed, buffer, sizeof buffer, 0, 0, &err), -ETIMEDOUT);
    assert_says(&err, -ETIMEDOUT, "\"i\"");
    assert_true(is_filled(buffer, sizeof buffer, 1));
    assert_int_equal(vdisk_pwrite(timed, buffer, sizeof buffer, 0, 0, &err), -ETIMEDOUT);
    assert_int_equal(vdisk_flush(timed, &err), -ETIMEDOUT);
    assert_int_equal(vdisk_discard(timed, MIB, MIB, 0, &err), -ETIMEDOUT);
    assert_int_equal(vdisk_write_zeroes(timed, MIB, 2 * MIB, 0, &err), -ETIMEDOUT);
    assert_int_equal(vdisk_compare_and_write(NULL, timed, buffer, zero_page, 512, 3 * MIB, 0, &err), -ETIMEDOUT);
    expect_left(timed, 6, 4);
    fake_release_all();
    wait_until(nothing_left(timed));
    /* A flush that is cancelled fails nothing later. */
    wait_until(vdisk_flush(timed, NULL) == 0);
    wait_until(vdisk_pread(timed, buffer, sizeof buffer, 0, 0, NULL) == 0);
    assert_true(is_filled(buffer, sizeof buffer, 1));
}

static void a_long_synchronous_transfer_leaves_no_piece_behind(void **state)
{
    unsigned char *buffer = malloc(40 * MIB);

    (void)state;
    assert_non_null(buffer);
    fill(buffer, 40 * MIB, 1);
    fake_hold(FAKE_READ);
    assert_int_equal(vdisk_pread(timed, buffer, 40 * MIB, 1, 0, NULL), -ETIMEDOUT);
    free(buffer);
    fake_release_all();
    wait_until(nothing_left(timed));
}

/* Threads. */

static void no_thread_is_there_for_synchronous_calls_or_without_limits(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *slow = open_timed(LONG, 0);
    unsigned int before;
    char byte;
    int r;

    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), 0);
    /* Others may be about to end. */
    before = count_threads();
    assert_int_equal(vdisk_pread(slow, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(read_as(&a, fixture->queue, fixture->disk, &byte, 1, 0, 0), 0);
    expect(fixture->queue, &a, 0);
    assert_true(count_threads() <= before);
    assert_int_equal(read_as(&a, fixture->queue, timed, &byte, 1, 0, 0), 0);
    r = next_of(fixture->queue).result;
    assert_true(r == 0 || r == -ETIMEDOUT);
    /* Nothing has a deadline any more, and soon there is nobody to look after it. */
    wait_until(count_threads() <= before);
    close_disk(slow);
}

static void without_a_thread_the_queue_is_called_back_all_the_same(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *slow = open_timed(LONG, 0);
    char byte;

    fake_hold(FAKE_READ);
    wrap_fail_call("pthread_create", 1);
    assert_int_equal(read_as(&a, fixture->queue, timed, &byte, 1, 0, 0), 0);
    assert_true(wrap_disarm());
    assert_int_equal(poll_and_reap(fixture->queue).result, -ETIMEDOUT);
    /* Not by filling the pipe. */
    for (int i = 0; i < 1000; i++) {
        wrap_fail_call("pthread_create", 1);
        assert_int_equal(read_as(&a, fixture->queue, slow, &byte, 1, 0, 0), 0);
        wrap_disarm();
        cancel(fixture->queue, &a);
        if (i % 100 == 0) {
            fake_release(FAKE_READ, SIZE_MAX, FAKE_FIFO, 0);
            wait_until(nothing_left(slow));
        }
    }
    fake_release_all();
    close_disk(slow);
}

static void out_of_memory_refuses_the_first_request(void **state)
{
    struct vdisk *slow = open_timed(LONG, 0);
    unsigned int n = 0, refusals = 0;
    bool struck;
    char byte;

    (void)state;
    do {
        struct vdisk_queue *queue;
        int r;

        assert_int_equal(vdisk_queue_create(&queue, NULL, NULL), 0);
        wrap_fail_nth(++n);
        r = read_as(&a, queue, slow, &byte, 1, 0, 0);
        struck = wrap_disarm();
        /* Without its thread it is accepted all the same. */
        assert_true(r == 0 || (r == -ENOMEM && struck));
        if (r == 0)
            expect(queue, &a, 0);
        refusals += r < 0;
        expect_nothing(queue);
        assert_int_equal(vdisk_queue_destroy(queue), 0);
    } while (struck);
    assert_true(refusals >= 2);
    close_disk(slow);
}

/* Cost. */

static atomic_uint settings;

int __real_vd_alarm_set(struct vd_alarm *alarm, int64_t time);
int __wrap_vd_alarm_set(struct vd_alarm *alarm, int64_t time);

int __wrap_vd_alarm_set(struct vd_alarm *alarm, int64_t time)
{
    atomic_fetch_add(&settings, 1);
    return __real_vd_alarm_set(alarm, time);
}

static void read_many(struct vdisk_queue *queue, struct vdisk *disk, unsigned int count)
{
    static char bytes[32 * 4096];

    for (unsigned int i = 0; i < count; i++) {
        struct vdisk_completion done[32];

        for (uint64_t j = 0; j < 32; j++)
            assert_int_equal(read_as(&a, queue, disk, &bytes[j * 4096], 4096, j * 4096, 0), 0);
        assert_int_equal(vdisk_queue_wait(queue, done, 32, 32, 30000), 32);
    }
}

/* It is the alarm that costs system calls. */
static void a_limit_costs_neither_memory_nor_system_calls_for_each_request(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *slow = open_timed(LONG, 0);
    size_t before;

    read_many(fixture->queue, slow, 2);
    before = wrap_allocs();
    atomic_store(&settings, 0);
    read_many(fixture->queue, slow, 100);
    assert_int_equal(wrap_allocs(), before);
    assert_int_equal(atomic_load(&settings), 0);
    close_disk(slow);
}

#define DISK_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(the_descriptor_tells),
        DISK_TEST(waiting_and_draining_end_in_time),
        DISK_TEST(every_kind_of_request_times_out),
        DISK_TEST(each_disk_has_its_own_limit),
        DISK_TEST(many_time_out_together),
        DISK_TEST(what_completes_in_time_does_not_time_out),
        DISK_TEST(what_is_complete_does_not_time_out),
        DISK_TEST(a_retry_that_waits_times_out_too),
        DISK_TEST(the_callers_memory_is_waited_for_once_librbd_has_it),
        DISK_TEST(requests_that_gather_time_out),
        DISK_TEST(a_queue_can_be_destroyed_with_its_alarm_set_or_ringing),
        DISK_TEST(synchronous_calls_time_out),
        DISK_TEST(a_long_synchronous_transfer_leaves_no_piece_behind),
        DISK_TEST(no_thread_is_there_for_synchronous_calls_or_without_limits),
        DISK_TEST(without_a_thread_the_queue_is_called_back_all_the_same),
        DISK_TEST(out_of_memory_refuses_the_first_request),
        DISK_TEST(a_limit_costs_neither_memory_nor_system_calls_for_each_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
