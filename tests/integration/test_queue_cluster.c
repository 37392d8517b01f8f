/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queue's contract on a real cluster: its descriptor, its room, its ends, what outlives a closed disk.
 */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (MIB(6) + 4097)

/* An image that holds `data`, to be freed, and a disk of it. */
struct fixture {
    const char *image;
    unsigned char *data;
    struct vdisk *disk;
};

static struct fixture set_up_disk(uint32_t flags)
{
    struct fixture fixture = {new_image(), pattern(SIZE, 1), NULL};

    import_image(fixture.image, fixture.data, SIZE, NULL);
    fixture.disk = open_disk(fixture.image, flags);
    return fixture;
}

static void take_down_disk(struct fixture *fixture)
{
    if (fixture->disk)
        close_disk(fixture->disk);
    free(fixture->data);
}

static int read_into(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
                     uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(queue, disk, &iov, 1, offset, flags, buffer);
}

static int write_from(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, size_t length, uint64_t offset,
                      uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_writev(queue, disk, &iov, 1, offset, flags, buffer);
}

static bool is_readable(const struct vdisk_queue *queue, int timeout_ms)
{
    struct pollfd bell = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&bell, 1, timeout_ms) == 1 && bell.revents == POLLIN;
}

static void reap_all(struct vdisk_queue *queue)
{
    while (vdisk_queue_in_flight(queue) > 0)
        assert_int_equal(wait_one(queue).result, 0);
}

static void end(struct vdisk_queue *queue)
{
    reap_all(queue);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

/* The descriptor. */

static void poll_wakes_for_every_single_completion(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(4);
    unsigned char *read = pattern(4097, 2);

    (void)state;
    for (uint64_t i = 0; i < 300; i++) {
        struct vdisk_completion completion;

        assert_int_equal(read_into(queue, fixture.disk, read, 4097, i * 11, 0), 0);
        /* It may wake early, but not without end. */
        do
            assert_true(is_readable(queue, PATIENCE_MS));
        while (vdisk_queue_reap(queue, &completion, 1) == 0);
        assert_int_equal(completion.result, 0);
        assert_ptr_equal(completion.user_data, read);
        assert_bytes(read, fixture.data + i * 11, 4097, "read");
    }
    end(queue);
    take_down_disk(&fixture);
    free(read);
}

/* Reaping less than there is must leave it readable, though nothing new completes. */
static void the_descriptor_is_readable_while_anything_is_unreaped(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(32);
    unsigned char *read = pattern(KIB(64), 2);

    (void)state;
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(read_into(queue, fixture.disk, read + i * 1000, 1000, i * 100003, 0), 0);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(vdisk_queue_in_flight(queue), 20);
    for (unsigned int i = 20; i > 0; i--) {
        struct vdisk_completion completion;

        assert_true(is_readable(queue, 0));
        assert_int_equal(vdisk_queue_reap(queue, &completion, 1), 1);
        assert_int_equal(vdisk_queue_in_flight(queue), i - 1);
    }
    end(queue);
    take_down_disk(&fixture);
    free(read);
}

static void epoll_reports_the_descriptor_again_and_again(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(4);
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned char byte;

    (void)state;
    assert_true(epoll >= 0);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, vdisk_queue_get_fd(queue), &event), 0);
    assert_int_equal(read_into(queue, fixture.disk, &byte, 1, 0, 0), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(epoll_wait(epoll, &event, 1, PATIENCE_MS), 1);
    assert_int_equal(wait_one(queue).result, 0);
    close(epoll);
    end(queue);
    take_down_disk(&fixture);
}

static void the_descriptor_stays_the_same_and_is_not_inherited(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(4);
    int fd = vdisk_queue_get_fd(queue);
    unsigned char byte;

    (void)state;
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(read_into(queue, fixture.disk, &byte, 1, 0, 0), 0);
        reap_all(queue);
        assert_int_equal(vdisk_queue_get_fd(queue), fd);
    }
    end(queue);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    take_down_disk(&fixture);
}

/* Takes descriptors until the next one is beyond 1024, where select() would end. */
static int take_descriptors(int taken[1100])
{
    int count = 0;

    do {
        taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(taken[count] >= 0);
    } while (taken[count++] < 1024);
    return count;
}

static void allow_descriptors(void)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 4096)
        limit.rlim_cur = 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void a_descriptor_of_any_number_will_do(void **state)
{
    struct fixture fixture = set_up_disk(0);
    unsigned char *read = pattern(SIZE, 2);
    struct vdisk_queue *queue;
    int taken[1100], count;

    (void)state;
    allow_descriptors();
    count = take_descriptors(taken);
    queue = new_queue(4);
    while (count > 0)
        close(taken[--count]);
    assert_true(vdisk_queue_get_fd(queue) > 1024);
    assert_int_equal(read_into(queue, fixture.disk, read, SIZE, 0, 0), 0);
    assert_true(is_readable(queue, PATIENCE_MS));
    reap_all(queue);
    assert_bytes(read, fixture.data, SIZE, "read");
    end(queue);
    take_down_disk(&fixture);
    free(read);
}

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
    end(queue);
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
    end(queue);
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
    end(queue);
    close_disk(disk);
    free(data);
    free(read);
}

/* Ranges. */

static void ranges_that_leave_the_disk_are_refused_whole(void **state)
{
    static const struct {
        uint64_t offset;
        size_t length;
    } ranges[] = {
        {SIZE, 1},
        {SIZE - 1, 2},
        {0, SIZE + 1},
        {SIZE - 1000, 1001},
        {SIZE + 100, 1},
        {UINT64_MAX, 1},
        {UINT64_MAX, 2},
        {UINT64_MAX - 3, 4},
        {SIZE - 1, SIZE},
        {INT64_MAX, 1000},
        {UINT64_C(1) << 63, 512},
    };
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *buffer = pattern(SIZE + 1, 6), *same = pattern(SIZE + 1, 6);
    struct vdisk_error err;

    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        uint64_t offset = ranges[i].offset;
        size_t length = ranges[i].length;

        for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
            assert_int_equal(read_into(queue, fixture.disk, buffer, length, offset, flags), -EINVAL);
            assert_int_equal(write_from(queue, fixture.disk, buffer, length, offset, flags), -EINVAL);
            assert_failed(vdisk_pread(fixture.disk, buffer, length, offset, flags, &err), -EINVAL, &err,
                          FRAGMENTS(base_name(fixture.image)));
            assert_failed(vdisk_pwrite(fixture.disk, buffer, length, offset, flags, &err), -EINVAL, &err,
                          FRAGMENTS(base_name(fixture.image)));
        }
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_bytes(buffer, same, SIZE + 1, "the buffer of refused requests");
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end(queue);
    take_down_disk(&fixture);
    free(buffer);
    free(same);
}

static void the_last_byte_of_the_disk_is_inside(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char byte = 0;

    (void)state;
    assert_int_equal(read_into(queue, fixture.disk, &byte, 1, SIZE - 1, 0), 0);
    reap_all(queue);
    assert_int_equal(byte, fixture.data[SIZE - 1]);
    byte ^= 0xff;
    fixture.data[SIZE - 1] = byte;
    assert_int_equal(write_from(queue, fixture.disk, &byte, 1, SIZE - 1, 0), 0);
    reap_all(queue);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end(queue);
    take_down_disk(&fixture);
}

static void requests_of_no_bytes_complete_and_do_nothing(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(16);
    struct iovec empty[3] = {{NULL, 0}, {fixture.data, 0}, {NULL, 0}};
    static const uint64_t offsets[] = {0, 1, SIZE - 1, SIZE};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, NULL, 0, offsets[i], 0, NULL), 0);
        assert_int_equal(vdisk_aio_writev(queue, fixture.disk, empty, 3, offsets[i], 0, NULL), 0);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, empty, 3, offsets[i], VDISK_IO_ZERO_COPY, NULL), 0);
    }
    assert_true(is_readable(queue, PATIENCE_MS));
    assert_int_equal(vdisk_queue_in_flight(queue), 12);
    reap_all(queue);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end(queue);
    take_down_disk(&fixture);
}

static void a_request_of_as_many_buffers_as_allowed_moves_every_byte(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(1024 * 7, 7);
    struct iovec iov[1025];

    (void)state;
    for (size_t i = 0; i < 1025; i++)
        iov[i] = (struct iovec){read + (i % 1024) * 7, 7};
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        memset(read, 0, 1024 * 7);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 1024, 4191235, flags, NULL), 0);
        reap_all(queue);
        assert_bytes(read, fixture.data + 4191235, 1024 * 7, "read");
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 1025, 0, flags, NULL), -EINVAL);
    }
    end(queue);
    take_down_disk(&fixture);
    free(read);
}

static void reading_what_was_never_written_overwrites_the_buffer_with_zeroes(void **state)
{
    const char *image = new_image();
    unsigned char *read = pattern(SIZE, 8), *zeroes = calloc(1, SIZE);
    struct vdisk_queue *queue = new_queue(2);
    struct vdisk *disk;

    (void)state;
    assert_non_null(zeroes);
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        fill(read, SIZE, flags);
        assert_int_equal(read_into(queue, disk, read, SIZE, 0, flags), 0);
        reap_all(queue);
        assert_bytes(read, zeroes, SIZE, "read");
    }
    end(queue);
    close_disk(disk);
    free(read);
    free(zeroes);
}

/* Buffers. */

static void what_a_write_takes_its_bytes_from_is_free_again_at_once(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(4), 9), *buffer = pattern(MIB(1) / 16, 10);
    const size_t piece = MIB(1) / 16;
    struct vdisk_queue *queue = new_queue(64);
    struct vdisk *disk;

    (void)state;
    create_image(image, MIB(4), 0);
    disk = open_disk(image, 0);
    for (size_t at = 0; at < MIB(4); at += piece) {
        memcpy(buffer, data + at, piece);
        assert_int_equal(write_from(queue, disk, buffer, piece, at, 0), 0);
        memset(buffer, 0xee, piece);
    }
    end(queue);
    close_disk(disk);
    assert_rbd_exports(image, data, MIB(4));
    free(data);
    free(buffer);
}

/* Only reaping copies what was read: until then another thread may even use the memory. */
static void a_reads_buffer_is_untouched_until_it_is_reaped(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(SIZE, 11), *before = pattern(SIZE, 11);

    (void)state;
    assert_int_equal(read_into(queue, fixture.disk, read, SIZE, 0, 0), 0);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_bytes(read, before, SIZE, "the buffer before it is reaped");
    reap_all(queue);
    assert_bytes(read, fixture.data, SIZE, "the buffer after it was reaped");
    end(queue);
    take_down_disk(&fixture);
    free(read);
    free(before);
}

static void the_array_of_buffers_is_free_again_at_once(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(2);
    unsigned char *read = pattern(SIZE, 12);
    struct iovec iov[20];

    (void)state;
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        for (size_t i = 0; i < 20; i++)
            iov[i] = (struct iovec){read + i * 1001, 1001};
        memset(read, 0, SIZE);
        assert_int_equal(vdisk_aio_readv(queue, fixture.disk, iov, 20, 77, flags, NULL), 0);
        memset(iov, 0xee, sizeof iov);
        reap_all(queue);
        assert_bytes(read, fixture.data + 77, (size_t)20 * 1001, "read");
    }
    end(queue);
    take_down_disk(&fixture);
    free(read);
}

/* Flushing. */

static void a_flush_covers_writes_accepted_before_it_on_its_queue(void **state)
{
    const size_t piece = 300007;
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 13);
    struct vdisk_queue *queue = new_queue(64);
    struct vdisk *disk;
    char mark;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    for (size_t at = 0; at < SIZE; at += piece)
        assert_int_equal(write_from(queue, disk, data + at, SIZE - at < piece ? SIZE - at : piece, at, 0), 0);
    assert_int_equal(vdisk_aio_flush(queue, disk, 0, &mark), 0);
    while (wait_one(queue).user_data != &mark)
        ;
    assert_rbd_exports(image, data, SIZE);
    end(queue);
    close_disk(disk);
    free(data);
}

static void a_flush_covers_completed_writes_of_another_queue(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(SIZE, 14);
    struct vdisk_queue *writing = new_queue(64), *flushing = new_queue(1);
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_write_back(image);
    assert_int_equal(write_from(writing, disk, data, SIZE, 0, 0), 0);
    reap_all(writing);
    assert_int_equal(vdisk_aio_flush(flushing, disk, 0, NULL), 0);
    reap_all(flushing);
    assert_rbd_exports(image, data, SIZE);
    end(writing);
    end(flushing);
    close_disk(disk);
    free(data);
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
    end(queue);
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
    end(queue);
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
    end(queue);
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
    end(queue);
    take_down_disk(&fixture);
}

/* Several threads. */

struct caller {
    pthread_t thread;
    struct vdisk *disk;
    unsigned char *data;
    size_t offset;
    size_t size;
    int result;
};

static void *write_and_read_back(void *arg)
{
    struct caller *caller = arg;
    unsigned char *read = malloc(caller->size);

    for (int i = 0; i < 20 && caller->result == 0; i++) {
        fill(caller->data, caller->size, (uint64_t)i + caller->offset);
        caller->result = vdisk_pwrite(caller->disk, caller->data, caller->size, caller->offset, 0, NULL);
        if (caller->result == 0)
            caller->result = vdisk_pread(caller->disk, read, caller->size, caller->offset, 0, NULL);
        if (caller->result == 0 && memcmp(read, caller->data, caller->size) != 0)
            caller->result = -EILSEQ;
        if (caller->result == 0 && i % 7 == 0)
            caller->result = vdisk_flush(caller->disk, NULL);
    }
    free(read);
    return NULL;
}

static void blocking_calls_of_several_threads_go_on_side_by_side(void **state)
{
    enum { CALLERS = 6 };
    const size_t piece = 700001;
    const char *image = new_image();
    unsigned char *data = pattern(CALLERS * piece, 18);
    struct vdisk *disk;
    struct caller callers[CALLERS];

    (void)state;
    create_image(image, CALLERS * piece, 0);
    disk = open_disk(image, 0);
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.disk = disk, .data = data + i * piece, .offset = i * piece, .size = piece};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, write_and_read_back, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].result, 0);
    close_disk(disk);
    assert_rbd_exports(image, data, CALLERS * piece);
    free(data);
}

/* The child has none of the threads that would answer. What it must not do is hang. */
static int call_everything(struct vdisk *disk, struct vdisk_queue *queue)
{
    struct vdisk_open_options options = default_options(0);
    struct vdisk_completion completion;
    struct vdisk_info info;
    struct vdisk *other;
    char byte;

    vdisk_info_init(&info, sizeof info);
    return vdisk_pread(disk, &byte, 1, 0, 0, NULL) == -EPERM && vdisk_pwrite(disk, &byte, 1, 0, 0, NULL) == -EPERM &&
           vdisk_flush(disk, NULL) == -EPERM && vdisk_resize(disk, SIZE + 1, 0, NULL) == -EPERM &&
           vdisk_snapshot_create(disk, "snap", 0, NULL) == -EPERM && vdisk_get_info(&info, disk, NULL) == -EPERM &&
           read_into(queue, disk, &byte, 1, 0, 0) == -EPERM && write_from(queue, disk, &byte, 1, 0, 0) == -EPERM &&
           vdisk_aio_flush(queue, disk, 0, NULL) == -EPERM && vdisk_queue_reap(queue, &completion, 1) == -EPERM &&
           vdisk_queue_drain(queue) == -EPERM && vdisk_open_uri(&other, "rbd:rbd/x", &options, NULL) == -EPERM &&
           vdisk_close(disk, NULL) == -EPERM;
}

static void a_forked_child_is_refused_everything_and_harms_nothing(void **state)
{
    struct fixture fixture = set_up_disk(0);
    struct vdisk_queue *queue = new_queue(8);
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        alarm(60);
        _exit(call_everything(fixture.disk, queue) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_disk_holds(fixture.disk, fixture.data, SIZE);
    end(queue);
    take_down_disk(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(poll_wakes_for_every_single_completion),
        TEST(the_descriptor_is_readable_while_anything_is_unreaped),
        TEST(epoll_reports_the_descriptor_again_and_again),
        TEST(the_descriptor_stays_the_same_and_is_not_inherited),
        TEST(a_descriptor_of_any_number_will_do),
        TEST(a_full_queue_refuses_until_something_is_reaped),
        TEST(a_queue_out_of_bounce_memory_refuses_until_something_is_reaped),
        TEST(the_longest_request_moves_every_byte),
        TEST(ranges_that_leave_the_disk_are_refused_whole),
        TEST(the_last_byte_of_the_disk_is_inside),
        TEST(requests_of_no_bytes_complete_and_do_nothing),
        TEST(a_request_of_as_many_buffers_as_allowed_moves_every_byte),
        TEST(reading_what_was_never_written_overwrites_the_buffer_with_zeroes),
        TEST(what_a_write_takes_its_bytes_from_is_free_again_at_once),
        TEST(a_reads_buffer_is_untouched_until_it_is_reaped),
        TEST(the_array_of_buffers_is_free_again_at_once),
        TEST(a_flush_covers_writes_accepted_before_it_on_its_queue),
        TEST(a_flush_covers_completed_writes_of_another_queue),
        TEST(what_was_read_is_delivered_after_the_disk_is_closed),
        TEST(closing_waits_for_requests_of_all_queues_and_flushes),
        TEST(a_queue_outlives_its_disks_and_serves_new_ones),
        TEST(a_queue_with_unreaped_requests_cannot_be_destroyed),
        TEST(waiting_returns_what_is_left_when_less_than_asked_for_can_come),
        TEST(blocking_calls_of_several_threads_go_on_side_by_side),
        TEST(a_forked_child_is_refused_everything_and_harms_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
