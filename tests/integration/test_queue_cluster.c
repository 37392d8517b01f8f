/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests the room of a queue, and what outlives a closed disk. */
#include "queue_disk.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

/* Room. */

static void a_full_queue_refuses_until_something_is_reaped(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(3);
    unsigned char *read = pattern(4000, 2);

    (void)state;
    for (int round = 0; round < 20; round++) {
        while (vdisk_queue_in_flight(queue) < 3)
            assert_int_equal(read_into(queue, fixture.disk, read, 1000, 0, 0), 0);
        /* Whether complete or not: unreaped requests take up room. */
        assert_int_equal(read_into(queue, fixture.disk, read, 1000, 0, 0), -EAGAIN);
        assert_int_equal(write_from(queue, fixture.disk, read, 1000, 0, 0), -EAGAIN);
        assert_int_equal(vdisk_aio_flush(queue, fixture.disk, 0, NULL), -EAGAIN);
        assert_int_equal(vdisk_queue_in_flight(queue), 3);
        assert_true(is_readable(queue, PATIENCE_MS));
        assert_int_equal(wait_one(queue).result, 0);
    }
    end_queue(queue);
    take_down_disk(&fixture);
    free(read);
}

static void a_queue_out_of_bounce_memory_refuses_until_something_is_reaped(void **state)
{
    const char *image = new_image();
    unsigned char *read = pattern(VDISK_MAX_REQUEST, 2), *more = pattern(1000, 3);
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    create_image(image, VDISK_MAX_REQUEST, 0);
    disk = open_disk(image, 0);
    vdisk_queue_options_init(&options, sizeof options);
    options.bounce_bytes = VDISK_MAX_REQUEST;
    assert_done(vdisk_queue_create(&queue, &options, &err), &err);

    assert_int_equal(read_into(queue, disk, read, VDISK_MAX_REQUEST, 0, 0), 0);
    assert_int_equal(read_into(queue, disk, more, 1000, 0, 0), -EAGAIN);
    assert_int_equal(vdisk_queue_in_flight(queue), 1);
    /* These need none. */
    assert_int_equal(write_from(queue, disk, more, 1000, 0, 0), 0);
    assert_int_equal(read_into(queue, disk, more, 1000, 0, VDISK_IO_ZERO_COPY), 0);
    assert_true(is_readable(queue, PATIENCE_MS));
    reap_all(queue);
    assert_int_equal(read_into(queue, disk, more, 1000, 0, 0), 0);
    end_queue(queue);
    close_disk(disk);
    free(read);
    free(more);
}

static void the_longest_request_moves_every_byte(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(VDISK_MAX_REQUEST, 4), *read = pattern(VDISK_MAX_REQUEST, 5);
    struct vdisk_queue *queue = new_queue(2);
    struct vdisk *disk;

    (void)state;
    create_image(image, VDISK_MAX_REQUEST + 1, 0);
    disk = open_disk(image, 0);
    assert_int_equal(write_from(queue, disk, data, VDISK_MAX_REQUEST, 1, 0), 0);
    reap_all(queue);
    assert_int_equal(read_into(queue, disk, read, VDISK_MAX_REQUEST, 1, 0), 0);
    reap_all(queue);
    assert_bytes(read, data, VDISK_MAX_REQUEST, "read");
    assert_int_equal(read_into(queue, disk, read, VDISK_MAX_REQUEST + 1, 0, 0), -EINVAL);
    assert_int_equal(read_into(queue, disk, read, VDISK_MAX_REQUEST + 1, 0, VDISK_IO_ZERO_COPY), -EINVAL);
    end_queue(queue);
    close_disk(disk);
    free(data);
    free(read);
}

/* Ends. */

static void what_was_read_is_delivered_after_the_disk_is_closed(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(64);
    unsigned char *read = pattern(SIZE, 15);

    (void)state;
    for (size_t at = 0; at < SIZE; at += 300007)
        assert_int_equal(read_into(queue, fixture.disk, read + at, SIZE - at < 300007 ? SIZE - at : 300007, at, 0), 0);
    close_disk(fixture.disk);
    fixture.disk = NULL;
    assert_true(is_readable(queue, 0));
    end_queue(queue);
    assert_bytes(read, fixture.data, SIZE, "read");
    take_down_disk(&fixture);
    free(read);
}

static void closing_waits_for_requests_of_all_queues_and_flushes(void **state)
{
    enum { QUEUES = 3, EACH = 40 };
    const size_t piece = 10007, size = QUEUES * EACH * piece;
    const char *image = new_image();
    unsigned char *data = pattern(size, 16);
    struct vdisk_queue *queues[QUEUES];
    struct vdisk_completion completions[EACH];
    struct vdisk *disk;

    (void)state;
    create_image(image, size, 0);
    disk = open_disk(image, 0);
    for (size_t i = 0; i < QUEUES; i++)
        queues[i] = new_queue(EACH);
    for (size_t i = 0; i < (size_t)QUEUES * EACH; i++)
        assert_int_equal(write_from(queues[i % QUEUES], disk, data + i * piece, piece, i * piece, 0), 0);
    close_disk(disk);
    /* All at once, since nothing can be unfinished. */
    for (size_t i = 0; i < QUEUES; i++) {
        assert_int_equal(vdisk_queue_reap(queues[i], completions, EACH), EACH);
        for (size_t j = 0; j < EACH; j++)
            assert_int_equal(completions[j].result, 0);
        assert_int_equal(vdisk_queue_destroy(queues[i]), 0);
    }
    assert_rbd_exports(image, data, size);
    free(data);
}

static void a_queue_outlives_its_disks_and_serves_new_ones(void **state)
{
    struct fixture first = set_up_disk(0), second = set_up_disk(VDISK_OPEN_READ_ONLY);
    struct vdisk_queue *queue = new_queue(8);
    unsigned char *read = pattern(3 * SIZE, 17);

    (void)state;
    assert_int_equal(read_into(queue, first.disk, read, SIZE, 0, 0), 0);
    assert_int_equal(read_into(queue, second.disk, read + SIZE, SIZE, 0, 0), 0);
    close_disk(first.disk);
    close_disk(second.disk);
    first.disk = open_disk(first.image, 0);
    second.disk = NULL;
    assert_int_equal(read_into(queue, first.disk, read + 2 * SIZE, SIZE, 0, 0), 0);
    end_queue(queue);
    for (size_t i = 0; i < 3; i++)
        assert_bytes(read + i * SIZE, first.data, SIZE, "read");
    take_down_disk(&first);
    take_down_disk(&second);
    free(read);
}

static void a_queue_with_unreaped_requests_cannot_be_destroyed(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(8);
    unsigned char byte;

    (void)state;
    assert_int_equal(read_into(queue, fixture.disk, &byte, 1, 0, 0), 0);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    end_queue(queue);
    take_down_disk(&fixture);
}

static void waiting_returns_what_is_left_when_less_than_asked_for_can_come(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(8);
    struct vdisk_completion completions[8];
    unsigned char bytes[3];

    (void)state;
    assert_int_equal(vdisk_queue_wait(queue, completions, 8, 8, -1), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(read_into(queue, fixture.disk, &bytes[i], 1, i, 0), 0);
    assert_int_equal(vdisk_queue_wait(queue, completions, 8, 8, -1), 3);
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_memory_equal(bytes, fixture.data, 3);
    end_queue(queue);
    take_down_disk(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_queue_refuses_until_something_is_reaped),
        TEST(a_queue_out_of_bounce_memory_refuses_until_something_is_reaped),
        TEST(the_longest_request_moves_every_byte),
        TEST(what_was_read_is_delivered_after_the_disk_is_closed),
        TEST(closing_waits_for_requests_of_all_queues_and_flushes),
        TEST(a_queue_outlives_its_disks_and_serves_new_ones),
        TEST(a_queue_with_unreaped_requests_cannot_be_destroyed),
        TEST(waiting_returns_what_is_left_when_less_than_asked_for_can_come),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
