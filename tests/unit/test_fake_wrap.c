/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests/fake/wrap.h promises. */
#include "fake_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "wrap.h"

/* Volatile: the compiler may do without an allocation that nobody looks at. */
static _Thread_local void *volatile sink;

static bool allocates(void)
{
    bool allocated;

    sink = malloc(10);
    allocated = sink;
    free(sink);
    return allocated;
}

static void *allocate_thrice(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        allocates();
    return NULL;
}

static void nth_call_of_this_thread_fails(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, allocate_thrice, NULL), 0);
    wrap_fail_nth(2);
    assert_true(allocates());
    assert_false(wrap_failed());
    assert_int_equal(pthread_join(thread, NULL), 0);
    errno = 0;
    assert_false(allocates());
    assert_int_equal(errno, ENOMEM);
    assert_true(wrap_failed());
    assert_string_equal(wrap_failed_name(), "malloc");
    assert_true(allocates());
    assert_true(wrap_disarm());
}

static void nth_call_of_any_thread_fails(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, allocate_thrice, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    wrap_fail_nth_anywhere(3);
    assert_int_equal(pthread_create(&thread, NULL, allocate_thrice, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(wrap_disarm());
}

static void disarmed_nothing_fails(void **state)
{
    (void)state;
    wrap_fail_nth(1);
    assert_false(wrap_disarm());
    assert_true(allocates());
    wrap_fail_call("malloc", 1);
    assert_false(wrap_disarm());
    assert_true(allocates());
    assert_null(wrap_failed_name());
}

static void every_kind_of_call_fails(void **state)
{
    void *volatile kept = malloc(10);
    void *aligned;
    pthread_t thread;
    int ends[2];

    (void)state;
    wrap_fail_call("calloc", 1);
    assert_true(allocates());
    sink = calloc(3, 3);
    assert_null(sink);
    wrap_fail_call("realloc", 1);
    sink = realloc(kept, 100);
    assert_null(sink);
    free(kept);
    wrap_fail_call("strdup", 1);
    sink = strdup("text");
    assert_null(sink);
    wrap_fail_call("posix_memalign", 1);
    assert_int_equal(posix_memalign(&aligned, 64, 64), ENOMEM);
    wrap_fail_call("pthread_create", 1);
    assert_int_equal(pthread_create(&thread, NULL, allocate_thrice, NULL), EAGAIN);
    wrap_fail_call("pipe2", 1);
    assert_int_equal(pipe2(ends, O_CLOEXEC), -1);
    assert_int_equal(errno, EMFILE);
    assert_true(wrap_disarm());
}

static void allocations_are_counted(void **state)
{
    size_t before = wrap_allocs();

    (void)state;
    allocates();
    assert_int_equal(wrap_allocs(), before + 1);
    wrap_exempt(1);
    allocates();
    wrap_exempt(-1);
    assert_int_equal(wrap_allocs(), before + 1);
}

static void fake_is_exempt(void **state)
{
    struct opened *opened = *state;
    size_t before = wrap_allocs();

    wrap_fail_nth_anywhere(1);
    assert_int_equal(do_write(opened->image, 0, "x", 1), 0);
    assert_int_equal(rbd_snap_create(opened->image, "s"), 0);
    assert_false(wrap_disarm());
    assert_int_equal(wrap_allocs(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nth_call_of_this_thread_fails),
        cmocka_unit_test(nth_call_of_any_thread_fails),
        cmocka_unit_test(disarmed_nothing_fails),
        cmocka_unit_test(every_kind_of_call_fails),
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test_setup_teardown(fake_is_exempt, set_up_image, tear_down_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
