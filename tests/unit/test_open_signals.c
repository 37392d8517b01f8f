/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests that opening blocks all signals while threads of Ceph start, and restores the caller's mask. */
#include "config_helpers.h"

#include <signal.h>

#include "wrap.h"

/* A mask of the program's own, to be found again. */
static void set_mask(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGRTMIN);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
}

static void check_mask(void)
{
    sigset_t mask;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    for (int i = 1; i <= SIGRTMAX; i++)
        assert_int_equal(sigismember(&mask, i) == 1, i == SIGUSR1 || i == SIGRTMIN);
}

static int tear_down_mask(void **state)
{
    sigset_t mask;

    sigemptyset(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return tear_down_cluster(state);
}

static void signals_are_blocked_while_connecting_and_opening(void **state)
{
    static const char *const starters[] = {"rados_connect", "rados_ioctx_create", "rbd_namespace_exists",
                                           "rbd_open",      "rbd_open_read_only", "rbd_update_watch"};

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", IMAGE_SIZE);
    set_mask();
    close_disk(open_disk("rbd:p/n/i", 0));
    close_disk(open_disk("rbd:p/n/i", VDISK_OPEN_READ_ONLY));
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        assert_true(fake_calls(starters[i]) > 0);
        assert_true(fake_signals_blocked(starters[i]));
    }
    check_mask();
}

static void the_mask_is_restored_after_every_failing_call(void **state)
{
    unsigned int failures = 0;
    bool failed = true;

    (void)state;
    set_mask();
    for (unsigned int n = 1; failed; n++) {
        failed = open_with_failing_call(n, IMAGE_URI, NULL, &failures);
        check_mask();
    }
    assert_true(failures > 0);
}

static void the_mask_is_restored_after_every_failing_allocation(void **state)
{
    unsigned int failures = 0;

    (void)state;
    set_mask();
    for (unsigned int n = 1;; n++) {
        struct vdisk *disk;
        int r;

        wrap_fail_nth(n);
        r = vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL);
        check_mask();
        if (r == 0)
            close_disk(disk);
        else
            failures++;
        if (!wrap_disarm())
            break;
    }
    assert_true(failures > 0);
}

static void the_mask_is_restored_after_a_refusal(void **state)
{
    struct vdisk_error err;

    (void)state;
    set_mask();
    assert_int_equal(try_open("rbd:p/i:log_file=/x", NULL, &err), -EPERM);
    assert_int_equal(try_open("rbd:p/i@s", NULL, &err), -EROFS);
    check_mask();
}

#define MASK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_mask)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        MASK_TEST(signals_are_blocked_while_connecting_and_opening),
        MASK_TEST(the_mask_is_restored_after_every_failing_call),
        MASK_TEST(the_mask_is_restored_after_every_failing_allocation),
        MASK_TEST(the_mask_is_restored_after_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
