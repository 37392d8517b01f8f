/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue's contract: accepted means one completion, room, the descriptor, reaping and waiting. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include <vdisk/vdisk.h>

#include "fake.h"
#include "wrap.h"

#define IMAGE_SIZE (UINT64_C(256) << 20)

/* A disk and a queue on it, made by set_up. */
struct fixture {
    struct vdisk *disk;
    struct vdisk_queue *queue;
};

static struct vdisk_queue *new_queue(unsigned int depth)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = depth;
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    return queue;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fake_reset();
    fake_create_pool("p");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    assert_non_null(fixture);
    assert_int_equal(vdisk_open_uri(&fixture->disk, "rbd:p/i", NULL, NULL), 0);
    fixture->queue = new_queue(8);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fake_release_all();
    assert_int_equal(vdisk_queue_destroy(fixture->queue), 0);
    assert_int_equal(vdisk_close(fixture->disk, NULL), 0);
    free(fixture);
    fake_reset();
    return 0;
}

static int submit_read(struct fixture *fixture, void *buffer, uint64_t length, uint64_t offset, void *tag)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, offset, 0, tag);
}

static int submit_write(struct fixture *fixture, void *buffer, uint64_t length, uint64_t offset, void *tag)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_writev(fixture->queue, fixture->disk, &iov, 1, offset, 0, tag);
}

static bool is_readable(const struct vdisk_queue *queue, int timeout_ms)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&ready, 1, timeout_ms) == 1 && (ready.revents & POLLIN);
}

/* Creation. */

static void descriptor_is_nonblocking_and_closed_on_exec(void **state)
{
    struct fixture *fixture = *state;
    int fd = vdisk_queue_get_fd(fixture->queue);

    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(vdisk_queue_get_fd(fixture->queue), fd);
    assert_false(is_readable(fixture->queue, 0));
}

static void creating_refuses_what_is_out_of_bounds(void **state)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue = (void *)1;
    struct vdisk_error err;

    (void)state;
    vdisk_queue_options_init(&options, sizeof options);
    options.depth = VDISK_MAX_DEPTH + 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, &err), -EINVAL);
    assert_null(queue);
    assert_non_null(strstr(err.message, "depth"));

    vdisk_queue_options_init(&options, sizeof options);
    options.bounce_bytes = VDISK_MAX_REQUEST - 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, &err), -EINVAL);
    assert_non_null(strstr(err.message, "bounce_bytes"));

    vdisk_queue_options_init(&options, sizeof options);
    options.reserved = 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, &err), -EINVAL);
    assert_int_equal(vdisk_queue_create(NULL, NULL, &err), -EINVAL);
}

static void deepest_queue_can_be_made(void **state)
{
    (void)state;
    assert_int_equal(vdisk_queue_destroy(new_queue(VDISK_MAX_DEPTH)), 0);
}

static void creating_without_descriptors_says_emfile(void **state)
{
    struct vdisk_queue *queue = (void *)1;
    struct vdisk_error err;

    (void)state;
    wrap_fail_call("pipe2", 1);
    assert_int_equal(vdisk_queue_create(&queue, NULL, &err), -EMFILE);
    wrap_disarm();
    assert_null(queue);
    assert_int_equal(err.code, -EMFILE);
}

/* What is refused, and never completes. */

static void bad_requests_are_refused_and_do_not_count(void **state)
{
    struct fixture *fixture = *state;
    char byte = 0;
    struct iovec good = {&byte, 1}, null = {NULL, 1}, huge[2] = {{&byte, SIZE_MAX}, {&byte, SIZE_MAX}};
    struct vdisk_queue *q = fixture->queue;
    struct vdisk *d = fixture->disk;
    unsigned int before = fake_calls(NULL);

    assert_int_equal(vdisk_aio_readv(NULL, d, &good, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, NULL, &good, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, NULL, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, &good, -1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, &good, IOV_MAX + 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, &null, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, huge, 2, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, huge, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, &good, 1, 0, 2, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_readv(q, d, &good, 1, IMAGE_SIZE, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_writev(q, d, &good, 1, UINT64_MAX, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_writev(q, d, &good, 1, IMAGE_SIZE, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_flush(q, d, VDISK_IO_ZERO_COPY, NULL), -EINVAL);
    assert_int_equal(vdisk_aio_flush(q, NULL, 0, NULL), -EINVAL);
    assert_int_equal(vdisk_queue_in_flight(q), 0);
    assert_int_equal(fake_calls(NULL), before);
}

static void requests_longer_than_the_limit_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char *buffer = malloc(VDISK_MAX_REQUEST + 1);
    struct vdisk_completion done;

    assert_non_null(buffer);
    assert_int_equal(submit_read(fixture, buffer, VDISK_MAX_REQUEST + 1, 0, NULL), -EINVAL);
    assert_int_equal(submit_read(fixture, buffer, VDISK_MAX_REQUEST, 0, NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 1);
    assert_int_equal(done.result, 0);
    free(buffer);
}

static void request_across_the_end_is_refused_whole(void **state)
{
    struct fixture *fixture = *state;
    char buffer[512] = {1};

    assert_int_equal(submit_write(fixture, buffer, 512, IMAGE_SIZE - 511, NULL), -EINVAL);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
}

static void submission_that_librbd_refuses_leaves_nothing_behind(void **state)
{
    static const char *const functions[] = {"rbd_aio_create_completion", "rbd_aio_read"};
    struct fixture *fixture = *state;
    char buffer[512];

    for (size_t i = 0; i < 2; i++) {
        for (int n = 0; n < 20; n++) {
            fake_fail_call(functions[i], 1, ENOMEM);
            assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), -ENOMEM);
            assert_int_equal(vdisk_queue_in_flight(fixture->queue), 0);
        }
    }
}

/* Completion. */

static void completion_carries_the_tag_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done, expected;
    char buffer[512];

    memset(&done, 0xff, sizeof done);
    memset(&expected, 0, sizeof expected);
    expected.user_data = buffer;
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, buffer), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 1);
    assert_memory_equal(&done, &expected, sizeof done);
}

static void zero_length_completes_later_without_io(void **state)
{
    struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_completion done;

    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, NULL, 0, IMAGE_SIZE, 0, &done), 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_true(is_readable(fixture->queue, 0));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_ptr_equal(done.user_data, &done);
    assert_int_equal(done.result, 0);
    assert_int_equal(fake_calls(NULL), before);
}

static void callback_inside_submission_is_reaped_later(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    char buffer[512];

    fake_inline(FAKE_READ);
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    fake_inline(0);
}

static void descriptor_is_readable_until_all_is_reaped(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[512];

    for (int i = 0; i < 5; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    for (int left = 5; left > 0; left -= 2) {
        assert_true(is_readable(fixture->queue, 0));
        assert_int_equal(vdisk_queue_reap(fixture->queue, done, 2), left > 1 ? 2 : 1);
    }
    assert_false(is_readable(fixture->queue, 0));
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 8), 0);
}

static void reaping_none_leaves_the_descriptor_readable(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    char buffer[512];

    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_true(is_readable(fixture->queue, -1));
    assert_int_equal(vdisk_queue_reap(fixture->queue, NULL, 0), 0);
    assert_true(is_readable(fixture->queue, 0));
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
}

static void burst_of_completions_rings_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[512];
    int bytes = 0;

    for (int i = 0; i < 8; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_true(fake_wait_idle());
    assert_int_equal(ioctl(vdisk_queue_get_fd(fixture->queue), FIONREAD, &bytes), 0);
    assert_int_equal(bytes, 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 8), 8);
}

/* Room. */

static void full_queue_says_eagain_until_reaped(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    char buffer[512];

    fake_hold(FAKE_READ);
    for (int i = 0; i < 8; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), -EAGAIN);
    assert_false(is_readable(fixture->queue, 0));
    fake_release(FAKE_READ, 1, FAKE_FIFO, 0);
    assert_true(is_readable(fixture->queue, -1));
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), -EAGAIN);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    fake_release_all();
    while (vdisk_queue_in_flight(fixture->queue) > 0)
        vdisk_queue_wait(fixture->queue, &done, 1, 1, -1);
}

static void bounce_memory_used_up_says_eagain_and_small_requests_go_on(void **state)
{
    struct fixture *fixture = *state;
    char *buffer = malloc(VDISK_MAX_REQUEST), *other = malloc(VDISK_MAX_REQUEST), small[2][512];
    struct vdisk_completion done[3];

    assert_non_null(buffer);
    assert_non_null(other);
    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture, buffer, VDISK_MAX_REQUEST, 0, NULL), 0);
    assert_int_equal(submit_read(fixture, small[0], sizeof small[0], 0, NULL), 0);
    assert_int_equal(submit_read(fixture, buffer, VDISK_MAX_REQUEST, 0, NULL), -EAGAIN);
    assert_int_equal(submit_read(fixture, small[1], sizeof small[1], 0, NULL), 0);
    /* Zero-copy needs none of it. */
    struct iovec iov = {other, VDISK_MAX_REQUEST};

    assert_int_equal(vdisk_aio_readv(fixture->queue, fixture->disk, &iov, 1, 0, VDISK_IO_ZERO_COPY, NULL), 0);
    fake_release_all();
    for (unsigned int n = 0; n < 4;)
        n += (unsigned int)vdisk_queue_wait(fixture->queue, done, 1, 3, -1);
    free(other);
    free(buffer);
}

static void destroying_is_busy_until_all_is_reaped(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    char buffer[512];

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    fake_release_all();
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    assert_int_equal(vdisk_queue_reap(fixture->queue, &done, 1), 1);
    assert_int_equal(vdisk_queue_destroy(NULL), 0);
}

/* Waiting. */

static void waiting_on_an_idle_queue_returns_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
}

static void waiting_for_more_than_can_come_returns_what_came(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[512];

    for (int i = 0; i < 3; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 8, 8, -1), 3);
}

static void waiting_returns_what_came_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[512];

    fake_hold(FAKE_READ);
    for (int i = 0; i < 3; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 1, 8, 10), 0);
    fake_release(FAKE_READ, 2, FAKE_FIFO, 0);
    assert_true(fake_wait_idle());
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 3, 8, 10), 2);
    fake_release_all();
    assert_int_equal(vdisk_queue_wait(fixture->queue, done, 1, 8, -1), 1);
}

static void waiting_refuses_nonsense(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 2, 1, 0), -EINVAL);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 0, 1, -2), -EINVAL);
    assert_int_equal(vdisk_queue_wait(fixture->queue, NULL, 0, 1, 0), -EINVAL);
    assert_int_equal(vdisk_queue_wait(NULL, &done, 0, 1, 0), -EINVAL);
    assert_int_equal(vdisk_queue_reap(NULL, &done, 1), -EINVAL);
    assert_int_equal(vdisk_queue_drain(NULL), -EINVAL);
    assert_int_equal(vdisk_queue_get_fd(NULL), -EINVAL);
    assert_int_equal(vdisk_queue_in_flight(NULL), 0);
}

static void draining_leaves_completions_to_be_reaped(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[512];

    fake_delay(FAKE_READ, 2000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(submit_read(fixture, buffer, sizeof buffer, 0, NULL), 0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_int_equal(fake_in_flight(), 0);
    assert_true(is_readable(fixture->queue, 0));
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 8);
    assert_int_equal(vdisk_queue_reap(fixture->queue, done, 8), 8);
}

/* Many. */

#define THREADS 4
#define REQUESTS 5000

struct worker {
    struct vdisk *disk;
    unsigned int index;
    unsigned char seen[REQUESTS];
    bool failed;
};

/* One queue a thread, all on one disk: keeps it full and ticks off each completion. */
static void *keep_busy(void *arg)
{
    struct worker *worker = arg;
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;
    struct vdisk_completion done[5];
    unsigned int next = 0, finished = 0;
    char buffer[512];

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 16;
    worker->failed = vdisk_queue_create(&queue, &options, NULL) < 0;
    while (!worker->failed && finished < REQUESTS) {
        struct iovec iov = {buffer, sizeof buffer};
        uint64_t offset = (uint64_t)(worker->index * REQUESTS + next) * sizeof buffer;
        int r = next == REQUESTS ? -EAGAIN
                : next % 3       ? vdisk_aio_readv(queue, worker->disk, &iov, 1, offset, 0, &worker->seen[next])
                                 : vdisk_aio_writev(queue, worker->disk, &iov, 1, offset, 0, &worker->seen[next]);

        if (r == 0) {
            next++;
            continue;
        }
        worker->failed = r != -EAGAIN || !is_readable(queue, 30000);
        for (int n = vdisk_queue_reap(queue, done, 5); n > 0; n--, finished++) {
            ++*(unsigned char *)done[n - 1].user_data;
            worker->failed |= done[n - 1].result != 0;
        }
    }
    worker->failed |= vdisk_queue_destroy(queue) != 0;
    return NULL;
}

static void each_of_many_requests_completes_once(void **state)
{
    struct fixture *fixture = *state;
    struct worker *workers = calloc(THREADS, sizeof *workers);
    pthread_t threads[THREADS];

    assert_non_null(workers);
    fake_set_threads(4);
    fake_set_serialized(false);
    for (unsigned int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.disk = fixture->disk, .index = i};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_busy, &workers[i]), 0);
    }
    for (unsigned int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(workers[i].failed);
        for (unsigned int n = 0; n < REQUESTS; n++)
            assert_int_equal(workers[i].seen[n], 1);
    }
    free(workers);
}

static void nothing_is_allocated_in_steady_state(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done[8];
    char buffer[8][8192];
    struct iovec iov[20];
    size_t before = 0;

    for (int i = 0; i < 20; i++)
        iov[i] = (struct iovec){buffer[0] + (size_t)i * 64, 64};
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++) {
            int r = i % 2 ? submit_write(fixture, buffer[i], sizeof buffer[i], 0, NULL)
                          : vdisk_aio_readv(fixture->queue, fixture->disk, iov, 20, 0, 0, NULL);

            assert_int_equal(r, 0);
        }
        assert_int_equal(vdisk_queue_wait(fixture->queue, done, 8, 8, -1), 8);
        if (round == 1)
            before = wrap_allocs();
    }
    assert_int_equal(wrap_allocs(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(descriptor_is_nonblocking_and_closed_on_exec),
        TEST(creating_refuses_what_is_out_of_bounds),
        TEST(deepest_queue_can_be_made),
        TEST(creating_without_descriptors_says_emfile),
        TEST(bad_requests_are_refused_and_do_not_count),
        TEST(requests_longer_than_the_limit_are_refused),
        TEST(request_across_the_end_is_refused_whole),
        TEST(submission_that_librbd_refuses_leaves_nothing_behind),
        TEST(completion_carries_the_tag_and_nothing_else),
        TEST(zero_length_completes_later_without_io),
        TEST(callback_inside_submission_is_reaped_later),
        TEST(descriptor_is_readable_until_all_is_reaped),
        TEST(reaping_none_leaves_the_descriptor_readable),
        TEST(burst_of_completions_rings_once),
        TEST(full_queue_says_eagain_until_reaped),
        TEST(bounce_memory_used_up_says_eagain_and_small_requests_go_on),
        TEST(destroying_is_busy_until_all_is_reaped),
        TEST(waiting_on_an_idle_queue_returns_at_once),
        TEST(waiting_for_more_than_can_come_returns_what_came),
        TEST(waiting_returns_what_came_in_time),
        TEST(waiting_refuses_nonsense),
        TEST(draining_leaves_completions_to_be_reaped),
        TEST(each_of_many_requests_completes_once),
        TEST(nothing_is_allocated_in_steady_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
