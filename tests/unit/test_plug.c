/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that gather while a queue is plugged: what is merged, what sends it, and what each request still is alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk_fixture.h"
#include "fake.h"
#include "wrap.h"

#define BLOCK 4096
#define BLOCKS 16

static struct fixture *fixture;
static unsigned char data[BLOCKS * BLOCK], seen[BLOCKS * BLOCK];

static int set_up(void **state)
{
    int r = set_up_disk(state);

    fixture = *state;
    fill(data, sizeof data, 7);
    memset(seen, 0, sizeof seen);
    return r;
}

static int tear_down(void **state)
{
    while (vdisk_queue_unplug(fixture->queue) == 0)
        continue;
    vdisk_queue_drain(fixture->queue);
    while (vdisk_queue_in_flight(fixture->queue) > 0)
        reap_one(fixture->queue);
    return tear_down_disk(state);
}

static void plug(void)
{
    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
}

static void unplug(void)
{
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
}

static int tagged(bool is_write, unsigned char *buffer, size_t length, uint64_t offset, void *tag)
{
    struct iovec iov = {buffer, length};

    return is_write ? vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, offset, 0, tag)
                    : vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, offset, 0, tag);
}

/* The block of `data`, to the same place on the disk; its tag is its place in `data`. */
static void write_block(int block)
{
    assert_int_equal(tagged(true, data + block * BLOCK, BLOCK, (uint64_t)block * BLOCK, data + block * BLOCK), 0);
}

static void read_block(int block)
{
    assert_int_equal(tagged(false, seen + block * BLOCK, BLOCK, (uint64_t)block * BLOCK, seen + block * BLOCK), 0);
}

static void put_data_on_the_disk(void)
{
    fake_image_write("p", "", "i", 0, data, sizeof data);
}

static void assert_on_disk(int first, int count)
{
    static unsigned char stored[BLOCKS * BLOCK];

    fake_image_read("p", "", "i", NULL, (uint64_t)first * BLOCK, stored, (size_t)count * BLOCK);
    assert_memory_equal(stored, data + first * BLOCK, (size_t)count * BLOCK);
}

static unsigned int writes(void)
{
    return fake_calls("rbd_aio_write") + fake_calls("rbd_aio_writev") + fake_calls("rbd_aio_write2");
}

static unsigned int reads(void)
{
    return fake_calls("rbd_aio_read") + fake_calls("rbd_aio_readv");
}

static void reap_all(int count, int result)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(reap_one(fixture->queue), result);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 0);
}

/* Merging. */

static void adjacent_writes_are_one(void **state)
{
    (void)state;
    plug();
    for (int i = 0; i < BLOCKS; i++)
        write_block(i);
    assert_int_equal(writes(), 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), BLOCKS);
    unplug();
    reap_all(BLOCKS, 0);
    assert_int_equal(writes(), 1);
    assert_on_disk(0, BLOCKS);
}

static void the_memory_of_a_write_is_the_callers_at_once(void **state)
{
    unsigned char buffer[2 * BLOCK];

    (void)state;
    memcpy(buffer, data, sizeof buffer);
    plug();
    assert_int_equal(tagged(true, buffer, BLOCK, 0, NULL), 0);
    assert_int_equal(tagged(true, buffer + BLOCK, BLOCK, BLOCK, NULL), 0);
    memset(buffer, 0xee, sizeof buffer);
    unplug();
    reap_all(2, 0);
    assert_on_disk(0, 2);
}

static void adjacent_reads_are_one(void **state)
{
    (void)state;
    put_data_on_the_disk();
    plug();
    for (int i = 0; i < BLOCKS; i++)
        read_block(i);
    unplug();
    reap_all(BLOCKS, 0);
    assert_int_equal(reads(), 1);
    assert_memory_equal(seen, data, sizeof seen);
}

static void scattered_buffers_are_merged_too(void **state)
{
    struct iovec first[2] = {{seen, 1000}, {seen + 1000, 3096}},
                 second[2] = {{seen + BLOCK, 1}, {seen + BLOCK + 1, 99}};

    (void)state;
    put_data_on_the_disk();
    plug();
    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, first, 2, 0, 0, NULL), 0);
    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, second, 2, BLOCK, 0, NULL), 0);
    unplug();
    reap_all(2, 0);
    assert_int_equal(reads(), 1);
    assert_memory_equal(seen, data, BLOCK + 100);
}

static void a_short_read_is_zeroes_for_those_beyond(void **state)
{
    (void)state;
    put_data_on_the_disk();
    memset(seen, 0xff, sizeof seen);
    fake_short_read(2 * BLOCK + 100);
    plug();
    for (int i = 0; i < 4; i++)
        read_block(i);
    unplug();
    reap_all(4, 0);
    assert_memory_equal(seen, data, 2 * BLOCK - 100);
    assert_true(is_zero(seen + 2 * BLOCK - 100, 2 * BLOCK + 100));
}

static void gaps_kinds_and_directions_are_not_merged(void **state)
{
    (void)state;
    plug();
    write_block(0);
    write_block(2);
    read_block(3);
    write_block(5);
    write_block(4);
    unplug();
    reap_all(5, 0);
    assert_int_equal(writes(), 4);
    assert_int_equal(reads(), 1);
}

static void interleaved_streams_are_merged_each(void **state)
{
    (void)state;
    plug();
    for (int i = 0; i < 4; i++) {
        write_block(i);
        write_block(8 + i);
    }
    unplug();
    reap_all(8, 0);
    assert_int_equal(writes(), 2);
    assert_on_disk(0, 4);
    assert_on_disk(8, 4);
}

static void disks_are_not_merged(void **state)
{
    struct vdisk *other;

    (void)state;
    fake_create_image("p", "", "other", IMAGE_SIZE);
    other = open_disk("rbd:p/other", 0);
    plug();
    write_block(0);
    assert_int_equal(submit_write(fixture->queue, other, data, BLOCK, BLOCK), 0);
    unplug();
    reap_all(2, 0);
    assert_int_equal(writes(), 2);
    close_disk(other);
}

static void nothing_is_longer_than_an_object(void **state)
{
    unsigned char *large = malloc(3 * MIB);

    (void)state;
    assert_non_null(large);
    fill(large, 3 * MIB, 3);
    plug();
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(submit_write(fixture->queue, fixture->disk, large, 3 * MIB, i * 3 * MIB), 0);
    unplug();
    reap_all(3, 0);
    assert_int_equal(writes(), 3);
    free(large);
}

static void durable_and_zero_copy_requests_go_at_once(void **state)
{
    struct iovec iov = {data, BLOCK};

    (void)state;
    plug();
    write_block(0);
    assert_int_equal(vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, 8 * BLOCK, VDISK_IO_ZERO_COPY, NULL), 0);
    assert_int_equal(writes(), 1);
    /* What was accepted before a durable write is sent before it. */
    assert_int_equal(vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, BLOCK, VDISK_IO_FUA, NULL), 0);
    assert_int_equal(writes(), 3);
    unplug();
    reap_all(3, 0);
}

/* Sending. */

static void unplugging_sends_when_it_is_the_last(void **state)
{
    (void)state;
    plug();
    plug();
    write_block(0);
    unplug();
    assert_int_equal(writes(), 0);
    unplug();
    assert_int_equal(writes(), 1);
    reap_all(1, 0);
    assert_int_equal(vdisk_queue_unplug(fixture->queue), -EINVAL);
    assert_int_equal(vdisk_queue_unplug(NULL), -EINVAL);
    assert_int_equal(vdisk_queue_plug(NULL), -EINVAL);
}

static void reaping_does_not_send(void **state)
{
    struct vdisk_completion completion;

    (void)state;
    plug();
    write_block(0);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &completion, 1), 0);
    assert_int_equal(writes(), 0);
}

static void waiting_sends(void **state)
{
    (void)state;
    plug();
    write_block(0);
    reap_all(1, 0);
}

static void draining_sends(void **state)
{
    (void)state;
    plug();
    write_block(0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(writes(), 1);
    reap_all(1, 0);
}

static void a_flush_sends_and_covers(void **state)
{
    (void)state;
    plug();
    write_block(0);
    write_block(1);
    fake_hold(FAKE_WRITE);
    assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
    assert_int_equal(writes(), 1);
    write_block(2);
    unplug();
    /* Not merged across the flush. */
    assert_int_equal(writes(), 2);
    fake_release_all();
    reap_all(4, 0);
}

static void a_full_queue_sends(void **state)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;

    (void)state;
    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 2;
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    assert_int_equal(vdisk_queue_plug(queue), 0);
    assert_int_equal(submit_write(queue, fixture->disk, data, BLOCK, 0), 0);
    assert_int_equal(submit_write(queue, fixture->disk, data, BLOCK, BLOCK), 0);
    assert_int_equal(writes(), 0);
    assert_int_equal(submit_write(queue, fixture->disk, data, BLOCK, 2 * BLOCK), -EAGAIN);
    assert_int_equal(writes(), 1);
    assert_int_equal(vdisk_queue_unplug(queue), 0);
    assert_int_equal(reap_one(queue), 0);
    assert_int_equal(reap_one(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void a_disk_with_plugged_requests_stays_open(void **state)
{
    struct vdisk_error err;

    (void)state;
    plug();
    write_block(0);
    assert_int_equal(vdisk_close(fixture->disk, &err), -EBUSY);
    assert_says(&err, -EBUSY, "unplug it first");
    assert_int_equal(vdisk_close_within(fixture->disk, 1000, NULL), -EBUSY);
    assert_int_equal(vdisk_aio_close(fixture->other_queue, fixture->disk, -1, 0, NULL, NULL), -EBUSY);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    unplug();
    reap_all(1, 0);
    assert_on_disk(0, 1);
}

/* Each alone. */

static void the_result_is_shared(void **state)
{
    (void)state;
    fake_next_result(FAKE_WRITE, -ENOSPC);
    plug();
    for (int i = 0; i < 3; i++)
        write_block(i);
    unplug();
    reap_all(3, -ENOSPC);
}

static void what_librbd_refuses_completes_with_that(void **state)
{
    (void)state;
    fake_fail_call("rbd_aio_write", 1, ENOMEM);
    plug();
    for (int i = 0; i < 3; i++)
        write_block(i);
    unplug();
    reap_all(3, -ENOMEM);
    assert_true(is_zero(seen, sizeof seen));
}

static void a_cancelled_member_leaves_the_others(void **state)
{
    struct vdisk_completion completion;
    struct vdisk_info info;

    (void)state;
    put_data_on_the_disk();
    fake_hold(FAKE_READ);
    plug();
    for (int i = 0; i < 3; i++)
        read_block(i);
    unplug();
    assert_int_equal(vdisk_queue_cancel(fixture->queue, seen + BLOCK), 1);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &completion, 1, 1, -1), 1);
    assert_int_equal(completion.result, -ECANCELED);
    assert_ptr_equal(completion.user_data, seen + BLOCK);
    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, NULL), 0);
    assert_int_equal(info.detached_requests, 1);
    fake_release_all();
    reap_all(2, 0);
    assert_memory_equal(seen, data, BLOCK);
    assert_true(is_zero(seen + BLOCK, BLOCK));
    assert_memory_equal(seen + 2 * BLOCK, data + 2 * BLOCK, BLOCK);
    assert_int_equal(vdisk_get_info(&info, fixture->disk, NULL), 0);
    assert_int_equal(info.detached_requests, 0);
}

static void a_merged_flight_can_be_cancelled_member_by_member(void **state)
{
    (void)state;
    fake_hold(FAKE_WRITE);
    plug();
    for (int i = 0; i < 3; i++)
        write_block(i);
    unplug();
    for (int i = 2; i >= 0; i--)
        assert_int_equal(vdisk_queue_cancel(fixture->queue, data + i * BLOCK), 1);
    reap_all(3, -ECANCELED);
    fake_release_all();
    assert_true(fake_wait_idle());
    assert_on_disk(0, 3);
}

/* The write that it replaces is part of a larger one. */
static void a_retry_waits_for_the_merged_write(void **state)
{
    unsigned char other[BLOCK], stored[BLOCK];

    (void)state;
    fill(other, sizeof other, 99);
    fake_hold(FAKE_WRITE);
    plug();
    write_block(0);
    write_block(1);
    unplug();
    assert_int_equal(vdisk_queue_cancel(fixture->queue, data + BLOCK), 1);
    assert_int_equal(reap_one(fixture->queue), -ECANCELED);
    plug();
    assert_int_equal(tagged(true, other, BLOCK, BLOCK, NULL), 0);
    unplug();
    assert_int_equal(writes(), 1);
    fake_release_all();
    reap_all(2, 0);
    assert_int_equal(writes(), 2);
    fake_image_read("p", "", "i", NULL, BLOCK, stored, BLOCK);
    assert_memory_equal(stored, other, BLOCK);
}

/* Else it could become part of a I/O that does not wait. */
static void a_retry_does_not_join_what_was_plugged_before(void **state)
{
    unsigned char other[BLOCK], stored[BLOCK];

    (void)state;
    fill(other, sizeof other, 99);
    fake_hold(FAKE_WRITE);
    write_block(1);
    plug();
    write_block(0);
    assert_int_equal(vdisk_queue_cancel(fixture->other_queue, NULL), -ENOENT);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, data + BLOCK), 1);
    assert_int_equal(tagged(true, other, BLOCK, BLOCK, NULL), 0);
    unplug();
    /* The retry would be overtaken if it were among these. */
    fake_release(FAKE_WRITE, SIZE_MAX, FAKE_LIFO, 0);
    fake_release_all();
    vdisk_queue_drain(fixture->queue);
    fake_image_read("p", "", "i", NULL, BLOCK, stored, BLOCK);
    assert_memory_equal(stored, other, BLOCK);
}

/* It is no later request than the one that was cancelled. */
static void what_was_merged_before_does_not_wait(void **state)
{
    (void)state;
    fake_hold(FAKE_WRITE);
    plug();
    write_block(0);
    write_block(1);
    assert_int_equal(submit_write(fixture->other_queue, fixture->disk, data, BLOCK, 0), 0);
    assert_int_equal(vdisk_queue_cancel(fixture->other_queue, NULL), 1);
    assert_int_equal(reap_one(fixture->other_queue), -ECANCELED);
    unplug();
    assert_int_equal(writes(), 2);
    fake_release_all();
    reap_all(2, 0);
}

static void cancelling_what_waits_sends_it_first(void **state)
{
    (void)state;
    fake_hold(FAKE_WRITE);
    plug();
    write_block(0);
    write_block(1);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, data), 1);
    assert_int_equal(writes(), 1);
    assert_int_equal(reap_one(fixture->queue), -ECANCELED);
    fake_release_all();
    reap_all(1, 0);
    assert_on_disk(0, 2);
}

/* Memory. */

static void without_memory_for_more_room_they_are_not_merged(void **state)
{
    (void)state;
    plug();
    write_block(0);
    wrap_fail_call("posix_memalign", 1);
    write_block(1);
    assert_true(wrap_disarm());
    unplug();
    reap_all(2, 0);
    assert_int_equal(writes(), 2);
    assert_on_disk(0, 2);
}

static void without_memory_for_an_iovec_a_read_is_refused(void **state)
{
    struct iovec iov[32];

    (void)state;
    for (int i = 0; i < 32; i++)
        iov[i] = (struct iovec){seen + BLOCK + i * 128, 128};
    plug();
    read_block(0);
    wrap_fail_call("malloc", 1);
    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, iov, 32, BLOCK, 0, NULL), -ENOMEM);
    assert_true(wrap_disarm());
    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, iov, 32, BLOCK, 0, NULL), 0);
    unplug();
    reap_all(2, 0);
    assert_int_equal(reads(), 1);
}

static void merging_allocates_nothing_in_steady_state(void **state)
{
    size_t before = 0;

    (void)state;
    for (int round = 0; round < 10; round++) {
        if (round == 4)
            before = wrap_allocs();
        plug();
        for (int i = 0; i < BLOCKS; i++)
            write_block(i);
        unplug();
        reap_all(BLOCKS, 0);
        plug();
        for (int i = 0; i < BLOCKS; i++)
            read_block(i);
        unplug();
        reap_all(BLOCKS, 0);
    }
    assert_int_equal(wrap_allocs(), before);
    assert_memory_equal(seen, data, sizeof seen);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(adjacent_writes_are_one),
        TEST(the_memory_of_a_write_is_the_callers_at_once),
        TEST(adjacent_reads_are_one),
        TEST(scattered_buffers_are_merged_too),
        TEST(a_short_read_is_zeroes_for_those_beyond),
        TEST(gaps_kinds_and_directions_are_not_merged),
        TEST(interleaved_streams_are_merged_each),
        TEST(disks_are_not_merged),
        TEST(nothing_is_longer_than_an_object),
        TEST(durable_and_zero_copy_requests_go_at_once),
        TEST(unplugging_sends_when_it_is_the_last),
        TEST(reaping_does_not_send),
        TEST(waiting_sends),
        TEST(draining_sends),
        TEST(a_flush_sends_and_covers),
        TEST(a_full_queue_sends),
        TEST(a_disk_with_plugged_requests_stays_open),
        TEST(the_result_is_shared),
        TEST(what_librbd_refuses_completes_with_that),
        TEST(a_cancelled_member_leaves_the_others),
        TEST(a_merged_flight_can_be_cancelled_member_by_member),
        TEST(a_retry_waits_for_the_merged_write),
        TEST(a_retry_does_not_join_what_was_plugged_before),
        TEST(what_was_merged_before_does_not_wait),
        TEST(cancelling_what_waits_sends_it_first),
        TEST(without_memory_for_more_room_they_are_not_merged),
        TEST(without_memory_for_an_iovec_a_read_is_refused),
        TEST(merging_allocates_nothing_in_steady_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
