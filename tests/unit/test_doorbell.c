/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Both kinds of doorbell. The main thread is the owner. */
#include "doorbell_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"
#include "thread_helpers.h"

static void init(struct vd_doorbell *bell, void **state)
{
    assert_int_equal(vd_doorbell_init(bell, kind_of_bell(state)), 0);
}

static bool is_ringing(struct vd_doorbell *bell)
{
    return vd_doorbell_wait(bell, vd_now());
}

/* Descriptors. */

static void both_ends_of_the_pipe_are_non_blocking_and_closed_on_exec(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    assert_true(fcntl(bell.read_fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(bell.write_fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(bell.read_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(bell.write_fd, F_GETFD) & FD_CLOEXEC);
    vd_doorbell_destroy(&bell);
}

static void destroying_closes_both_ends_of_the_pipe(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    vd_doorbell_destroy(&bell);
    assert_int_equal(fcntl(bell.read_fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(fcntl(bell.write_fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

static short poll_events(const struct vd_doorbell *bell)
{
    struct pollfd ready = {.fd = bell->read_fd, .events = POLLIN};

    assert_in_range(poll(&ready, 1, 0), 0, 1);
    return ready.revents;
}

static void the_read_end_is_readable_from_the_ring_until_it_is_heard(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    assert_int_equal(poll_events(&bell), 0);
    vd_doorbell_ring(&bell);
    assert_int_equal(poll_events(&bell), POLLIN);
    assert_int_equal(poll_events(&bell), POLLIN);
    vd_doorbell_hear(&bell);
    assert_int_equal(poll_events(&bell), 0);
    vd_doorbell_destroy(&bell);
}

static void a_pipe_cannot_be_had_without_descriptors_and_a_semaphore_can(void **state)
{
    struct rlimit before, none;
    struct vd_doorbell pipe, semaphore;
    int pipe_result, semaphore_result;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    pipe_result = vd_doorbell_init(&pipe, VD_DOORBELL_PIPE);
    semaphore_result = vd_doorbell_init(&semaphore, VD_DOORBELL_SEMAPHORE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);

    assert_int_equal(pipe_result, -EMFILE);
    assert_int_equal(semaphore_result, 0);
    vd_doorbell_destroy(&semaphore);
}

/* Ringing and hearing. */

static void a_new_bell_is_silent(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    assert_false(is_ringing(&bell));
    vd_doorbell_hear(&bell);
    assert_int_equal(bell.heard, 0);
    vd_doorbell_destroy(&bell);
}

static void every_ring_is_heard_and_counted(void **state)
{
    /* Around multiples of what is read from the pipe at a time. */
    const unsigned int counts[] = {1, 2, 63, 64, 65, 127, 128, 129, 1000};
    struct vd_doorbell bell;
    uint64_t total = 0;

    init(&bell, state);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (unsigned int n = 0; n < counts[i]; n++)
            vd_doorbell_ring(&bell);
        total += counts[i];
        vd_doorbell_hear(&bell);
        assert_int_equal(bell.heard, total);
        assert_false(is_ringing(&bell));
    }
    vd_doorbell_destroy(&bell);
}

static void waiting_does_not_silence_the_bell(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    vd_doorbell_ring(&bell);
    assert_true(vd_doorbell_wait(&bell, VD_NEVER));
    assert_true(is_ringing(&bell));
    assert_true(is_ringing(&bell));
    vd_doorbell_hear(&bell);
    assert_int_equal(bell.heard, 1);
    assert_false(is_ringing(&bell));
    vd_doorbell_destroy(&bell);
}

/* Waiting. */

static void a_bell_that_rings_already_is_noticed_whatever_the_deadline(void **state)
{
    const int64_t deadlines[] = {0, vd_now(), vd_time_after_ms(WATCHDOG_MS), VD_NEVER};
    struct vd_doorbell bell;

    init(&bell, state);
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        vd_doorbell_ring(&bell);
        assert_true(vd_doorbell_wait(&bell, deadlines[i]));
        vd_doorbell_hear(&bell);
    }
    vd_doorbell_destroy(&bell);
}

static void waiting_in_vain_ends_no_sooner_than_the_deadline(void **state)
{
    /* More than a second, too, for the seconds of a timespec. */
    const int64_t waits_ms[] = {1, 30, 1001};
    struct vd_doorbell bell;

    init(&bell, state);
    for (size_t i = 0; i < sizeof waits_ms / sizeof *waits_ms; i++) {
        int64_t deadline = vd_time_after_ms(waits_ms[i]);

        assert_false(vd_doorbell_wait(&bell, deadline));
        assert_true(vd_now() >= deadline);
    }
    vd_doorbell_destroy(&bell);
}

static void a_deadline_long_past_ends_the_waiting(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    assert_false(vd_doorbell_wait(&bell, 0));
    assert_false(vd_doorbell_wait(&bell, 1));
    vd_doorbell_destroy(&bell);
}

static void ring(void *bell)
{
    vd_doorbell_ring(bell);
}

/* Static, so that a failed assert does not pull them away from under the ringer. */
static struct vd_doorbell shared_bell;
static struct latecomer ringer;

/* Waits for a ring by another thread. */
static void wait_for_ring(int64_t deadline, void **state)
{
    init(&shared_bell, state);
    start_latecomer(&ringer, ring, &shared_bell);
    assert_true(vd_doorbell_wait(&shared_bell, deadline));
    vd_doorbell_hear(&shared_bell);
    assert_int_equal(shared_bell.heard, 1);
    end_latecomer(&ringer);
    vd_doorbell_destroy(&shared_bell);
}

static void a_ring_ends_the_waiting(void **state)
{
    wait_for_ring(VD_NEVER, state);
    wait_for_ring(vd_time_after_ms(WATCHDOG_MS), state);
}

static void a_deadline_too_far_to_be_reckoned_is_waited_for_too(void **state)
{
    wait_for_ring(vd_time_after_ms(INT64_MAX), state);
    wait_for_ring(vd_time_after_ms(INT64_MAX / 1000000), state);
    wait_for_ring(VD_NEVER - 1, state);
}

static void a_negative_time_is_no_deadline(void **state)
{
    (void)state;
    assert_true(vd_time_after_ms(-1) == VD_NEVER);
    assert_true(vd_time_after_ms(INT64_MIN) == VD_NEVER);
}

static void signals_do_not_end_the_waiting(void **state)
{
    start_interrupting();
    wait_for_ring(VD_NEVER, state);
    wait_for_ring(vd_time_after_ms(WATCHDOG_MS), state);
    stop_interrupting();
}

static void signals_do_not_put_off_the_deadline(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    start_interrupting();
    assert_false(vd_doorbell_wait(&bell, vd_time_after_ms(150)));
    stop_interrupting();
    vd_doorbell_destroy(&bell);
}

/* Destroying. */

static void destroying_waits_for_a_ring_that_is_owed(void **state)
{
    init(&shared_bell, state);
    start_latecomer(&ringer, ring, &shared_bell);
    vd_doorbell_owe(&shared_bell);
    vd_doorbell_destroy(&shared_bell);
    end_latecomer(&ringer);
}

static void destroying_waits_for_the_last_of_several_rings(void **state)
{
    init(&shared_bell, state);
    for (int i = 0; i < 4; i++)
        vd_doorbell_owe(&shared_bell);
    vd_doorbell_ring(&shared_bell);
    vd_doorbell_hear(&shared_bell);
    vd_doorbell_ring(&shared_bell);
    vd_doorbell_ring(&shared_bell);
    start_latecomer(&ringer, ring, &shared_bell);
    vd_doorbell_destroy(&shared_bell);
    end_latecomer(&ringer);
}

static void destroying_does_not_wait_when_all_was_heard(void **state)
{
    struct vd_doorbell bell;

    init(&bell, state);
    vd_doorbell_ring(&bell);
    vd_doorbell_hear(&bell);
    /* Owed later than heard, as when somebody rings before the owner takes. */
    vd_doorbell_owe(&bell);
    vd_doorbell_destroy(&bell);
}

int main(void)
{
    const struct CMUnitTest of_both_kinds[] = {
        cmocka_unit_test(a_new_bell_is_silent),
        cmocka_unit_test(every_ring_is_heard_and_counted),
        cmocka_unit_test(waiting_does_not_silence_the_bell),
        cmocka_unit_test(a_bell_that_rings_already_is_noticed_whatever_the_deadline),
        cmocka_unit_test(waiting_in_vain_ends_no_sooner_than_the_deadline),
        cmocka_unit_test(a_deadline_long_past_ends_the_waiting),
        cmocka_unit_test(a_ring_ends_the_waiting),
        cmocka_unit_test(a_deadline_too_far_to_be_reckoned_is_waited_for_too),
        cmocka_unit_test(signals_do_not_end_the_waiting),
        cmocka_unit_test(signals_do_not_put_off_the_deadline),
        cmocka_unit_test(destroying_waits_for_a_ring_that_is_owed),
        cmocka_unit_test(destroying_waits_for_the_last_of_several_rings),
        cmocka_unit_test(destroying_does_not_wait_when_all_was_heard),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(both_ends_of_the_pipe_are_non_blocking_and_closed_on_exec),
        cmocka_unit_test(destroying_closes_both_ends_of_the_pipe),
        cmocka_unit_test(the_read_end_is_readable_from_the_ring_until_it_is_heard),
        cmocka_unit_test(a_negative_time_is_no_deadline),
        cmocka_unit_test(a_pipe_cannot_be_had_without_descriptors_and_a_semaphore_can),
    };
    int failed;

    start_watchdog();
    failed = RUN_WITH_BOTH_BELLS(of_both_kinds);
    failed += cmocka_run_group_tests(others, with_a_pipe, NULL);
    return failed;
}
