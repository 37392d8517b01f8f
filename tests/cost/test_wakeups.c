/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often the library calls the system to tell of completions, to hear of them, and to wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

#include <vdisk/vdisk.h>

#include "disk_fixture.h"
#include "fake.h"

#define BURST 32
#define BLOCK 4096

/* Linked with --wrap for each of these. The fake makes no such calls. */
ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
ssize_t __real_read(int fd, void *data, size_t length);
ssize_t __wrap_read(int fd, void *data, size_t length);
int __real_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);

/* Relaxed: only numbers, looked at when nothing is under way. */
static atomic_uint rings, hearings, sleeps;
static char data[BURST][BLOCK];

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    atomic_fetch_add_explicit(&rings, (unsigned int)length, memory_order_relaxed);
    return __real_write(fd, bytes, length);
}

ssize_t __wrap_read(int fd, void *bytes, size_t length)
{
    atomic_fetch_add_explicit(&hearings, 1, memory_order_relaxed);
    return __real_read(fd, bytes, length);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    atomic_fetch_add_explicit(&sleeps, 1, memory_order_relaxed);
    return __real_ppoll(fds, count, timeout, mask);
}

static void forget_counts(void)
{
    rings = hearings = sleeps = 0;
}

static void have_burst_completed(struct vdisk_queue *queue, struct vdisk *disk)
{
    for (unsigned int i = 0; i < BURST; i++)
        assert_int_equal(submit_read(queue, disk, data[i], BLOCK, 2 * i * BLOCK), 0);
    assert_true(fake_wait_idle());
}

static void a_burst_rings_once_and_is_heard_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];

    for (int round = 0; round < 10; round++) {
        forget_counts();
        have_burst_completed(fixture->queue, fixture->disk);
        assert_int_equal(rings, 1);
        assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST), BURST);
        assert_int_equal(rings, 1);
        assert_int_equal(hearings, 1);
        assert_int_equal(sleeps, 0);
    }
}

static void each_queue_rings_for_itself(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];

    forget_counts();
    have_burst_completed(fixture->queue, fixture->disk);
    have_burst_completed(fixture->other_queue, fixture->disk);
    assert_int_equal(rings, 2);
    assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST), BURST);
    assert_int_equal(vdisk_queue_reap(fixture->other_queue, completions, BURST), BURST);
    assert_int_equal(rings, 2);
    assert_int_equal(hearings, 2);
}

static void who_waits_for_what_is_there_does_not_sleep(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];

    have_burst_completed(fixture->queue, fixture->disk);
    forget_counts();
    assert_int_equal(vdisk_queue_wait(fixture->queue, completions, BURST, BURST, -1), BURST);
    assert_int_equal(hearings, 1);
    assert_int_equal(sleeps, 0);
}

/* The rest stays to be reaped, and the descriptor must say so: at the price of a ring each time. */
static void reaping_a_part_rings_once_more(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];

    have_burst_completed(fixture->queue, fixture->disk);
    forget_counts();
    assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST / 2), BURST / 2);
    assert_int_equal(rings, 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST), BURST / 2);
    assert_int_equal(rings, 1);
}

/* The members of a merged request come back together. */
static void a_merged_burst_rings_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];

    forget_counts();
    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
    for (unsigned int i = 0; i < BURST; i++)
        assert_int_equal(submit_write(fixture->queue, fixture->disk, data[i], BLOCK, i * BLOCK), 0);
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
    assert_true(fake_wait_idle());
    assert_int_equal(fake_calls("rbd_aio_write"), 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST), BURST);
    assert_int_equal(rings, 1);
    assert_int_equal(hearings, 1);
}

/* For threads other than the main one, where no asserts may be: until somebody sleeps for the n-th time; or too long.
 */
static void await_sleep(unsigned int n)
{
    for (int naps = 0; sleeps < n && naps < 30000; naps++)
        nap();
}

/* Has the held requests complete one by one, once somebody sleeps. */
static void *trickle(void *arg)
{
    (void)arg;
    await_sleep(1);
    while (fake_release(FAKE_IO, 1, FAKE_FIFO, 0) == 1)
        fake_wait_idle();
    return NULL;
}

/* Waits while `count` completions trickle in, which are of so many held requests to librbd. */
static void wait_for_trickle(struct vdisk_queue *queue, int count, size_t held)
{
    struct vdisk_completion completions[BURST];
    pthread_t thread;

    assert_int_equal(fake_held(FAKE_IO), held);
    forget_counts();
    assert_int_equal(pthread_create(&thread, NULL, trickle, NULL), 0);
    assert_int_equal(vdisk_queue_wait(queue, completions, (unsigned int)count, BURST, -1), count);
    pthread_join(thread, NULL);
}

static void waiting_for_many_sleeps_once(void **state)
{
    struct fixture *fixture = *state;

    fake_hold(FAKE_IO);
    for (int round = 0; round < 10; round++) {
        for (unsigned int i = 0; i < 16; i++)
            assert_int_equal(submit_read(fixture->queue, fixture->disk, data[i], BLOCK, 2 * i * BLOCK), 0);
        wait_for_trickle(fixture->queue, 16, 16);
        assert_int_equal(sleeps, 1);
        assert_int_equal(rings, 1);
    }
}

/* More than are under way are not waited for. */
static void waiting_for_all_there_are_sleeps_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];
    pthread_t thread;

    fake_hold(FAKE_IO);
    for (unsigned int i = 0; i < 5; i++)
        assert_int_equal(submit_read(fixture->queue, fixture->disk, data[i], BLOCK, 2 * i * BLOCK), 0);
    forget_counts();
    assert_int_equal(pthread_create(&thread, NULL, trickle, NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, completions, 16, BURST, -1), 5);
    pthread_join(thread, NULL);
    assert_int_equal(sleeps, 1);
}

static void draining_sleeps_once(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];
    pthread_t thread;

    fake_hold(FAKE_IO);
    for (unsigned int i = 0; i < 16; i++)
        assert_int_equal(submit_read(fixture->queue, fixture->disk, data[i], BLOCK, 2 * i * BLOCK), 0);
    forget_counts();
    assert_int_equal(pthread_create(&thread, NULL, trickle, NULL), 0);
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    pthread_join(thread, NULL);
    assert_int_equal(sleeps, 1);
    assert_int_equal(vdisk_queue_reap(fixture->queue, completions, BURST), 16);
}

/* A merged request is many completions at once: who waits for these is not to wait for as many others. */
static void waiting_for_what_was_merged_ends(void **state)
{
    struct fixture *fixture = *state;

    fake_hold(FAKE_IO);
    assert_int_equal(vdisk_queue_plug(fixture->queue), 0);
    for (unsigned int i = 0; i < 16; i++)
        assert_int_equal(submit_read(fixture->queue, fixture->disk, data[i], BLOCK, i * BLOCK), 0);
    assert_int_equal(vdisk_queue_unplug(fixture->queue), 0);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, data[16], BLOCK, 64 * BLOCK), 0);
    wait_for_trickle(fixture->queue, 17, 2);
    assert_in_range(sleeps, 1, 2);
}

/* Does something that there is news of; when that has woken who sleeps, has the held requests complete. */
static void *tell_news(void *arg)
{
    struct vdisk *disk = arg;

    await_sleep(1);
    vdisk_resize(disk, 2 * IMAGE_SIZE, 0, NULL);
    await_sleep(2);
    fake_release(FAKE_IO, SIZE_MAX, FAKE_FIFO, 0);
    return NULL;
}

static void news_wake_who_waits_for_many(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion completions[BURST];
    pthread_t thread;
    int tag;

    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &tag, NULL), 0);
    fake_hold(FAKE_IO);
    for (unsigned int i = 0; i < 4; i++)
        assert_int_equal(submit_read(fixture->queue, fixture->disk, data[i], BLOCK, 2 * i * BLOCK), 0);
    forget_counts();
    assert_int_equal(pthread_create(&thread, NULL, tell_news, fixture->disk), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, completions, 5, 5, -1), 5);
    pthread_join(thread, NULL);
    assert_true(sleeps >= 2);
    assert_ptr_equal(completions[0].user_data, &tag);
    assert_int_equal(vdisk_queue_cancel(fixture->queue, &tag), 1);
    do
        assert_int_equal(vdisk_queue_wait(fixture->queue, completions, 1, 1, -1), 1);
    while (completions[0].result != -ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_burst_rings_once_and_is_heard_once),
        TEST(each_queue_rings_for_itself),
        TEST(who_waits_for_what_is_there_does_not_sleep),
        TEST(reaping_a_part_rings_once_more),
        TEST(a_merged_burst_rings_once),
        TEST(waiting_for_many_sleeps_once),
        TEST(waiting_for_all_there_are_sleeps_once),
        TEST(draining_sleeps_once),
        TEST(waiting_for_what_was_merged_ends),
        TEST(news_wake_who_waits_for_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
