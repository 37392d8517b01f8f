/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often the library calls the system to tell of completions, to hear of them, and to wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_burst_rings_once_and_is_heard_once),
        TEST(each_queue_rings_for_itself),
        TEST(who_waits_for_what_is_there_does_not_sleep),
        TEST(reaping_a_part_rings_once_more),
        TEST(a_merged_burst_rings_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
