/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests the descriptor of a queue: it is readable while anything is unreaped, and stays the same. */
#include "queue_disk.h"
#include "support.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

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
    end_queue(queue);
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
    end_queue(queue);
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
    end_queue(queue);
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
    end_queue(queue);
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
    end_queue(queue);
    take_down_disk(&fixture);
    free(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(poll_wakes_for_every_single_completion),       TEST(the_descriptor_is_readable_while_anything_is_unreaped),
        TEST(epoll_reports_the_descriptor_again_and_again), TEST(the_descriptor_stays_the_same_and_is_not_inherited),
        TEST(a_descriptor_of_any_number_will_do),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
