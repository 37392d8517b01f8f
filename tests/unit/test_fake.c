/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What tests/fake/fake.h promises to those who write tests. What it promises about Ceph is compared with Ceph in
 * tests/integration. Requests, configuration and traps are in files of their own beside this one.
 */
#include "fake_helpers.h"

#include <errno.h>
#include <signal.h>

/* The cluster. */

static void image_data_can_be_looked_at(void **state)
{
    struct opened *opened = *state;
    char data[8], expected[8] = {0};

    assert_int_equal(do_write(opened->image, 4094, "abcd", 4), 0);
    memcpy(expected + 2, "abcd", 4);
    fake_image_read("p", "", "i", NULL, 4092, data, sizeof data);
    assert_memory_equal(data, expected, sizeof data);
    assert_int_equal(fake_image_pages("p", "", "i"), 2);
}

static void image_data_can_be_put(void **state)
{
    struct opened *opened = *state;
    char data[4];

    fake_image_write("p", "", "i", IMAGE_SIZE - 4, "wxyz", 4);
    assert_int_equal(do_read(opened->image, IMAGE_SIZE - 4, data, 4), 4);
    assert_memory_equal(data, "wxyz", 4);
}

static void huge_images_are_cheap(void **state)
{
    struct opened *opened = *state;
    const uint64_t tebibyte = UINT64_C(1) << 40;
    rbd_image_t image;
    char data[4];

    fake_create_image("p", "", "huge", tebibyte);
    assert_int_equal(rbd_open(opened->pool, "huge", &image, NULL), 0);
    assert_int_equal(do_write(image, tebibyte - 3, "end", 3), 0);
    assert_int_equal(do_read(image, tebibyte - 4, data, 4), 4);
    assert_memory_equal(data, "\0end", 4);
    assert_int_equal(fake_image_pages("p", "", "huge"), 1);
    assert_int_equal(rbd_close(image), 0);
}

static void many_pages_are_found_again(void **state)
{
    struct opened *opened = *state;

    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal(do_write(opened->image, i * UINT64_C(4096), &i, sizeof i), 0);
    assert_int_equal(rbd_snap_create(opened->image, "s"), 0);
    for (uint32_t i = 0; i < 256; i += 2)
        assert_int_equal(do_write(opened->image, i * UINT64_C(4096), "zzzz", 4), 0);
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t before, now;

        fake_image_read("p", "", "i", "s", i * UINT64_C(4096), &before, sizeof before);
        fake_image_read("p", "", "i", NULL, i * UINT64_C(4096), &now, sizeof now);
        assert_int_equal(before, i);
        assert_int_equal(now, i % 2 ? i : 0x7a7a7a7a);
    }
}

static void shrinking_forgets_what_lay_beyond(void **state)
{
    struct opened *opened = *state;
    char data[4];

    assert_int_equal(do_write(opened->image, 998, "abcd", 4), 0);
    fake_resize_image("p", "", "i", 1000, false);
    fake_resize_image("p", "", "i", IMAGE_SIZE, false);
    assert_int_equal(do_read(opened->image, 998, data, 4), 4);
    assert_memory_equal(data, "ab\0\0", 4);
}

static void resizing_fires_watches_only_if_told_to(void **state)
{
    struct opened *opened = *state;
    uint64_t cookie, size;
    sem_t events;
    int count;

    sem_init(&events, 0, 0);
    assert_int_equal(rbd_update_watch(opened->image, &cookie, count_event, &events), 0);
    fake_resize_image("p", "", "i", 1000, true);
    sem_wait(&events);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_int_equal(size, 1000);

    fake_resize_image("p", "", "i", 2000, false);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_int_equal(size, 2000);
    assert_int_equal(fake_image_size("p", "", "i"), 2000);
    assert_true(fake_wait_idle());
    sem_getvalue(&events, &count);
    assert_int_equal(count, 0);

    fake_notify("p", "", "i");
    sem_wait(&events);
    assert_int_equal(rbd_update_unwatch(opened->image, cookie), 0);
    fake_notify("p", "", "i");
    assert_true(fake_wait_idle());
    sem_getvalue(&events, &count);
    assert_int_equal(count, 0);
    sem_destroy(&events);
}

static void unwatching_takes_back_what_is_held(void **state)
{
    struct opened *opened = *state;
    uint64_t cookie;
    sem_t events;

    sem_init(&events, 0, 0);
    assert_int_equal(rbd_update_watch(opened->image, &cookie, count_event, &events), 0);
    fake_hold(FAKE_EVENT);
    fake_notify("p", "", "i");
    assert_int_equal(fake_held(FAKE_EVENT), 1);
    assert_int_equal(fake_held(FAKE_IO), 0);
    assert_int_equal(rbd_update_unwatch(opened->image, cookie), 0);
    assert_int_equal(fake_held(FAKE_EVENT), 0);
    sem_destroy(&events);
}

static void watch_that_cannot_be_removed_goes_with_the_image(void **state)
{
    struct opened *opened = *state;
    rbd_image_t image;
    uint64_t cookie;
    sem_t events;

    sem_init(&events, 0, 0);
    assert_int_equal(rbd_open(opened->pool, "i", &image, NULL), 0);
    assert_int_equal(rbd_update_watch(image, &cookie, count_event, &events), 0);
    fake_fail_call("rbd_update_unwatch", 1, EIO);
    assert_int_equal(rbd_update_unwatch(image, cookie), -EIO);
    fake_notify("p", "", "i");
    sem_wait(&events);
    assert_int_equal(rbd_close(image), 0);
    sem_destroy(&events);
}

static void removed_image_reads_as_zeroes(void **state)
{
    struct opened *opened = *state;
    char data[4] = "xxx";

    assert_int_equal(do_write(opened->image, 0, "abcd", 4), 0);
    fake_remove_image("p", "", "i");
    assert_false(fake_image_exists("p", "", "i"));
    assert_int_equal(do_write(opened->image, 0, "efgh", 4), 0);
    assert_int_equal(do_read(opened->image, 0, data, 4), 4);
    assert_memory_equal(data, "\0\0\0\0", 4);
    fake_create_image("p", "", "i", 10);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
}

static void snapshots_of_ceph_are_listed_but_have_no_name(void **state)
{
    struct opened *opened = *state;
    rbd_snap_namespace_type_t type;
    rbd_snap_info_t list[2];
    int max = 2, is_protected;

    fake_create_snapshot("p", "", "i", "trashed", RBD_SNAP_NAMESPACE_TYPE_TRASH);
    assert_int_equal(rbd_snap_list(opened->image, list, &max), 1);
    assert_int_equal(rbd_snap_get_namespace_type(opened->image, list[0].id, &type), 0);
    assert_int_equal(type, RBD_SNAP_NAMESPACE_TYPE_TRASH);
    rbd_snap_list_end(list);
    assert_int_equal(rbd_snap_is_protected(opened->image, "trashed", &is_protected), -ENOENT);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
}

static void closing_without_a_flush_is_noticed(void **state)
{
    struct opened *opened = *state;
    rbd_image_t image;

    assert_int_equal(do_write(opened->image, 0, "x", 1), 0);
    assert_int_equal(do_flush(opened->image), 0);
    assert_int_equal(rbd_open(opened->pool, "i", &image, NULL), 0);
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    assert_int_equal(rbd_flush(image), 0);
    assert_int_equal(rbd_close(image), 0);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
    assert_int_equal(rbd_open(opened->pool, "i", &image, NULL), 0);
    assert_int_equal(do_flush(image), 0);
    assert_int_equal(do_write(image, 0, "x", 1), 0);
    assert_int_equal(rbd_close(image), 0);
    assert_true(fake_image_closed_unflushed("p", "", "i"));
}

static void blocklisting_fences_who_is_connected(void **state)
{
    struct opened *opened = *state, later;
    char data[4];

    fake_blocklist();
    assert_int_equal(do_read(opened->image, 0, data, 4), -ESHUTDOWN);
    assert_int_equal(do_write(opened->image, 0, data, 4), -ESHUTDOWN);
    assert_int_equal(do_flush(opened->image), -ESHUTDOWN);
    connect_to(&later, "p");
    assert_int_equal(rbd_open(later.pool, "i", &later.image, NULL), 0);
    assert_int_equal(do_read(later.image, 0, data, 4), 4);
    assert_int_equal(rbd_close(later.image), 0);
    disconnect(&later);
}

/* Failing calls. */

static void nth_call_fails(void **state)
{
    struct opened *opened = *state;
    uint64_t size;

    fake_fail_call("rbd_get_size", 2, EIO);
    fake_fail_call("rbd_get_size", 3, ENOMEM);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_int_equal(rbd_get_size(opened->image, &size), -EIO);
    assert_int_equal(rbd_get_size(opened->image, &size), -ENOMEM);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_int_equal(fake_calls("rbd_get_size"), 4);
    assert_int_equal(fake_calls("rbd_stat"), 0);
}

static void calls_fail_until_told_otherwise(void **state)
{
    struct opened *opened = *state;
    uint64_t size;

    fake_fail_always("rbd_get_size", EIO);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rbd_get_size(opened->image, &size), -EIO);
    fake_fail_always("rbd_get_size", 0);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
}

static void nth_call_of_any_function_fails(void **state)
{
    struct opened *opened = *state;
    uint64_t size, features;

    fake_fail_nth(2, EIO);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_false(fake_failed());
    assert_null(fake_failed_name());
    assert_int_equal(rbd_get_features(opened->image, &features), -EIO);
    assert_true(fake_failed());
    assert_string_equal(fake_failed_name(), "rbd_get_features");
    assert_int_equal(rbd_get_features(opened->image, &features), 0);

    /* What cannot fail does not count. */
    fake_fail_nth(1, EIO);
    rados_ioctx_set_namespace(opened->pool, "");
    assert_false(fake_failed());
    assert_int_equal(rbd_get_features(opened->image, &features), -EIO);

    fake_fail_nth(1, EIO);
    fake_fail_nth(0, 0);
    assert_int_equal(rbd_get_features(opened->image, &features), 0);
    assert_false(fake_failed());
}

static void requests_fail_at_submission(void **state)
{
    struct opened *opened = *state;
    struct request request;
    rbd_completion_t completion = new_completion(&request);
    char data[4];

    fake_fail_call("rbd_aio_read", 1, EIO);
    assert_int_equal(rbd_aio_read(opened->image, 0, 4, data, completion), -EIO);
    assert_true(fake_wait_idle());
    assert_false(is_done(&request));
    rbd_aio_release(completion);
}

static void requests_fail_at_completion(void **state)
{
    struct opened *opened = *state;
    char data[4] = "abc";

    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_read", 1, EIO);
    fake_fail_call("rbd_aio_write", 1, ENOSPC);
    fake_fail_nth(3, ETIMEDOUT);
    assert_int_equal(do_write(opened->image, 0, data, 4), -ENOSPC);
    /* Creating the completion is the third, and has no completion to fail at. */
    fake_fail_nth(2, ETIMEDOUT);
    assert_int_equal(do_flush(opened->image), -ETIMEDOUT);
    assert_int_equal(do_read(opened->image, 0, data, 4), -EIO);
    assert_memory_equal(data, "\xdb\xdb\xdb\xdb", 4);
    assert_int_equal(fake_image_pages("p", "", "i"), 0);
}

static void failed_writes_may_land(void **state)
{
    struct opened *opened = *state;
    char data[4];

    fake_land_failed_writes(true);
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(do_write(opened->image, 0, "abcd", 4), -ETIMEDOUT);
    fake_image_read("p", "", "i", NULL, 0, data, sizeof data);
    assert_memory_equal(data, "abcd", 4);
}

static void signals_are_seen(void **state)
{
    struct opened *opened = *state;
    sigset_t all, old;
    uint64_t size;

    sigfillset(&all);
    assert_true(fake_signals_blocked("rbd_get_size"));
    pthread_sigmask(SIG_SETMASK, &all, &old);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_true(fake_signals_blocked("rbd_get_size"));
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(rbd_get_size(opened->image, &size), 0);
    assert_false(fake_signals_blocked("rbd_get_size"));
}

/* Calls that take their time. */

static void *ask_size(void *image)
{
    uint64_t size = 0;

    rbd_get_size(image, &size);
    return (void *)(uintptr_t)size;
}

static void calls_block_until_unblocked(void **state)
{
    struct opened *opened = *state;
    pthread_t thread;
    void *size;

    fake_block_call("rbd_get_size");
    assert_int_equal(pthread_create(&thread, NULL, ask_size, opened->image), 0);
    assert_true(fake_wait_blocked("rbd_get_size"));
    fake_resize_image("p", "", "i", 77, false);
    fake_unblock_call("rbd_get_size");
    /* Those that wait go on although it blocks again. */
    fake_block_call("rbd_get_size");
    assert_int_equal(pthread_join(thread, &size), 0);
    assert_int_equal((uintptr_t)size, 77);
    fake_unblock_call("rbd_get_size");
    ask_size(opened->image);
}

/* What is left over. */

static void leftovers_are_named(void **state)
{
    struct opened *opened = *state;
    struct request request;
    rbd_completion_t completion = new_completion(&request);
    rbd_snap_info_t list[2];
    char text[512];
    int max = 2;

    assert_int_equal(rbd_snap_create(opened->image, "s"), 0);
    assert_int_equal(rbd_snap_list(opened->image, list, &max), 1);
    assert_int_equal(fake_leaks(text, sizeof text), 5);
    assert_non_null(strstr(text, "cluster handle \"client.me\""));
    assert_non_null(strstr(text, "ioctx \"p\""));
    assert_non_null(strstr(text, "image \"p//i\""));
    assert_non_null(strstr(text, "completion, never submitted"));
    assert_non_null(strstr(text, "1 names from rbd_snap_list"));
    assert_int_equal(fake_leaks(text, 4), 5);
    assert_int_equal(fake_leaks(NULL, 0), 5);
    rbd_snap_list_end(list);
    rbd_aio_release(completion);
    assert_int_equal(fake_leaks(text, sizeof text), 3);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up_image, tear_down_image)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(image_data_can_be_looked_at),
        TEST(image_data_can_be_put),
        TEST(huge_images_are_cheap),
        TEST(many_pages_are_found_again),
        TEST(shrinking_forgets_what_lay_beyond),
        TEST(resizing_fires_watches_only_if_told_to),
        TEST(unwatching_takes_back_what_is_held),
        TEST(watch_that_cannot_be_removed_goes_with_the_image),
        TEST(removed_image_reads_as_zeroes),
        TEST(snapshots_of_ceph_are_listed_but_have_no_name),
        TEST(closing_without_a_flush_is_noticed),
        TEST(blocklisting_fences_who_is_connected),
        TEST(nth_call_fails),
        TEST(calls_fail_until_told_otherwise),
        TEST(nth_call_of_any_function_fails),
        TEST(requests_fail_at_submission),
        TEST(requests_fail_at_completion),
        TEST(failed_writes_may_land),
        TEST(signals_are_seen),
        TEST(calls_block_until_unblocked),
        TEST(leftovers_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
