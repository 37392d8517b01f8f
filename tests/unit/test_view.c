/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When an opening of an image may be closed. */
#include "disk_fixture.h"

#include <time.h>

#include "fake.h"

/* The last time that somebody wanted to sleep until. */
static struct timespec slept_until;

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left);

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
    (void)left;
    assert_int_equal(clock, CLOCK_MONOTONIC);
    assert_int_equal(flags, TIMER_ABSTIME);
    slept_until = *until;
    return 0;
}

static bool is_after(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void a_clone_is_not_closed_right_after_it_was_opened(void **state)
{
    struct timespec before;
    struct vdisk *disk;

    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_create_clone("p", "", "i", "s", 2, "c");
    clock_gettime(CLOCK_MONOTONIC, &before);
    disk = open_disk("rbd:p/c", VDISK_OPEN_READ_ONLY);
    close_disk(disk);
    assert_true(is_after(&slept_until, &before));
}

static void other_images_are_closed_at_once(void **state)
{
    struct timespec before;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &before);
    close_disk(open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY));
    assert_false(is_after(&slept_until, &before));
}

int main(void)
{
#define CLUSTER_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_cluster, tear_down_cluster)
    const struct CMUnitTest tests[] = {
        CLUSTER_TEST(other_images_are_closed_at_once),
        CLUSTER_TEST(a_clone_is_not_closed_right_after_it_was_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
