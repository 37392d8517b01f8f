/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This file tests how a disk that can be written learns of its image's size: by the watch, while opening and closing,
 * and when answers come late.
 */
#include "size_helpers.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <semaphore.h>

/* An answer to rbd_get_size that is held back until others have had time to overtake it. */
static struct {
    atomic_bool armed;
    sem_t held, go;
} answer;

int __real_rbd_get_size(rbd_image_t image, uint64_t *size);
int __wrap_rbd_get_size(rbd_image_t image, uint64_t *size);

int __wrap_rbd_get_size(rbd_image_t image, uint64_t *size)
{
    int r = __real_rbd_get_size(image, size);

    if (atomic_exchange(&answer.armed, false)) {
        sem_post(&answer.held);
        sem_wait(&answer.go);
    }
    return r;
}

/* Holds back the answer to the next call. */
static void hold_answer(void)
{
    sem_init(&answer.held, 0, 0);
    sem_init(&answer.go, 0, 0);
    atomic_store(&answer.armed, true);
}

static void wait_for_answer(void)
{
    wait_until(sem_trywait(&answer.held) == 0);
}

static void release_answer(void)
{
    sem_post(&answer.go);
}

/* The watch. */

static void growing_elsewhere_is_noticed(void **state)
{
    const struct fixture *fixture = *state;

    resize_elsewhere(IMAGE_SIZE + 512, true);
    assert_size_becomes(fixture->disk, IMAGE_SIZE + 512);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, IMAGE_SIZE + 511, 0, NULL), 0);
}

static void shrinking_elsewhere_is_noticed(void **state)
{
    const struct fixture *fixture = *state;

    resize_elsewhere(512, true);
    assert_size_becomes(fixture->disk, 512);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 512, 0, NULL), -EINVAL);
}

static void the_worker_runs_no_handler_of_the_programs(void **state)
{
    const struct fixture *fixture = *state;

    resize_elsewhere(512, true);
    assert_size_becomes(fixture->disk, 512);
    assert_true(fake_signals_blocked("rbd_get_size"));
}

static void a_burst_of_changes_is_asked_about_few_times(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls("rbd_get_size");

    fake_block_call("rbd_get_size");
    for (uint64_t i = 1; i <= 1000; i++)
        resize_elsewhere(IMAGE_SIZE + i, true);
    assert_true(fake_wait_blocked("rbd_get_size"));
    assert_true(fake_wait_idle());
    fake_unblock_call("rbd_get_size");
    assert_size_becomes(fixture->disk, IMAGE_SIZE + 1000);
    /* One that was being asked, and one for all that came meanwhile. */
    assert_true(fake_calls("rbd_get_size") - before <= 2);
}

static void a_change_right_after_the_question_leads_to_another_one(void **state)
{
    const struct fixture *fixture = *state;

    hold_answer();
    fake_notify("p", "", "i");
    wait_for_answer();
    resize_elsewhere(512, true);
    assert_true(fake_wait_idle());
    release_answer();
    assert_size_becomes(fixture->disk, 512);
}

static void a_failing_question_leaves_the_old_size(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls("rbd_get_size");

    fake_fail_always("rbd_get_size", EIO);
    resize_elsewhere(512, true);
    wait_until(fake_calls("rbd_get_size") > before);
    /* When the second is asked, the first is dealt with. */
    fake_notify("p", "", "i");
    wait_until(fake_calls("rbd_get_size") > before + 1);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    fake_fail_always("rbd_get_size", 0);
    fake_notify("p", "", "i");
    assert_size_becomes(fixture->disk, 512);
}

/* An answer is late when a newer one has been given since; the newer one must stand. */

static int snapshot_disk(void *disk)
{
    return vdisk_snapshot_create(disk, "s", 0, NULL);
}

static void a_late_answer_to_a_call_does_not_undo_the_watchs(void **state)
{
    static struct background snapshotting;
    const struct fixture *fixture = *state;

    fake_hold(FAKE_EVENT);
    hold_answer();
    start_background(&snapshotting, snapshot_disk, fixture->disk);
    wait_for_answer();
    resize_elsewhere(512, true);
    fake_release_all();
    allow_time_for(vdisk_get_size(fixture->disk) == 512);
    release_answer();
    assert_int_equal(end_background(&snapshotting), 0);
    assert_size_becomes(fixture->disk, 512);
}

static int shrink_disk(void *disk)
{
    return vdisk_resize(disk, 512, VDISK_RESIZE_SHRINK, NULL);
}

static void a_late_answer_to_the_watch_does_not_undo_a_resize(void **state)
{
    static struct background resizing;
    const struct fixture *fixture = *state;

    hold_answer();
    fake_notify("p", "", "i");
    wait_for_answer();
    /* So that nothing but the resize itself asks for the new size. */
    fake_hold(FAKE_EVENT);
    start_background(&resizing, shrink_disk, fixture->disk);
    allow_time_for(is_over(&resizing));
    release_answer();
    assert_int_equal(end_background(&resizing), 0);
    allow_time_for(vdisk_get_size(fixture->disk) != 512);
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
}

static struct vdisk *opened;

static int open_it(void *unused)
{
    (void)unused;
    return vdisk_open_uri(&opened, IMAGE_URI, NULL, NULL);
}

static void a_late_answer_while_opening_does_not_undo_the_watchs(void **state)
{
    static struct background opening;

    (void)state;
    fake_block_call("rbd_update_watch");
    start_background(&opening, open_it, NULL);
    assert_true(fake_wait_blocked("rbd_update_watch"));
    hold_answer();
    fake_unblock_call("rbd_update_watch");
    wait_for_answer();
    resize_elsewhere(512, true);
    assert_true(fake_wait_idle());
    allow_time_for(fake_calls("rbd_get_size") > 2);
    release_answer();
    assert_int_equal(end_background(&opening), 0);
    assert_size_becomes(opened, 512);
    close_disk(opened);
}

/* Opening. */

static void a_change_before_the_watch_is_there_is_noticed(void **state)
{
    static struct background opening;

    (void)state;
    fake_block_call("rbd_update_watch");
    start_background(&opening, open_it, NULL);
    assert_true(fake_wait_blocked("rbd_update_watch"));
    resize_elsewhere(512, true);
    fake_unblock_call("rbd_update_watch");
    assert_int_equal(end_background(&opening), 0);
    assert_int_equal(vdisk_get_size(opened), 512);
    close_disk(opened);
}

static void opening_fails_when_the_image_cannot_be_watched(void **state)
{
    struct vdisk *disk = (void *)1;
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_update_watch", 1, EACCES);
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, NULL, &err), -EACCES);
    assert_says(&err, -EACCES, "Opening image \"i\" in pool \"p\" failed: ");
    assert_null(disk);
    assert_int_equal(fake_calls("rbd_update_unwatch"), 0);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

static void opening_fails_when_the_size_is_not_known_in_the_end(void **state)
{
    struct vdisk *disk = (void *)1;

    (void)state;
    fake_fail_call("rbd_get_size", 2, EIO);
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL), -EIO);
    assert_null(disk);
    assert_int_equal(fake_calls("rbd_update_unwatch"), 1);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

/* Closing. */

static void a_watch_may_fire_while_the_disk_is_closing(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;
    unsigned int before = fake_calls("rbd_get_size");
    char byte;

    fake_hold(FAKE_READ | FAKE_EVENT);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    resize_elsewhere(2 * IMAGE_SIZE, true);
    assert_true(fake_wait_held(FAKE_EVENT, 1));
    start_closing(&closing, fixture->disk);
    assert_int_equal(fake_release(FAKE_EVENT, 1, FAKE_FIFO, 0), 1);
    wait_until(fake_calls("rbd_get_size") > before);
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), 0);
}

/* The fake aborts when the worker asks an image that is closed. */
static void closing_waits_for_the_question_about_the_size(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_block_call("rbd_get_size");
    fake_notify("p", "", "i");
    assert_true(fake_wait_blocked("rbd_get_size"));
    start_closing(&closing, fixture->disk);
    wait_until(fake_calls("rbd_update_unwatch") == 1);
    allow_time_for(fake_calls("rbd_close") > 0);
    assert_int_equal(fake_calls("rbd_close"), 0);
    fake_unblock_call("rbd_get_size");
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
}

static atomic_bool enough;

static int notify_on_and_on(void *unused)
{
    (void)unused;
    while (!atomic_load(&enough))
        fake_notify("p", "", "i");
    return 0;
}

static void watches_that_fire_on_and_on_hold_up_no_closing(void **state)
{
    static struct background notifying;

    (void)state;
    atomic_store(&enough, false);
    start_background(&notifying, notify_on_and_on, NULL);
    for (int i = 0; i < 200; i++)
        close_disk(open_disk(IMAGE_URI, 0));
    atomic_store(&enough, true);
    assert_int_equal(end_background(&notifying), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(growing_elsewhere_is_noticed),
        DISK_TEST(shrinking_elsewhere_is_noticed),
        DISK_TEST(the_worker_runs_no_handler_of_the_programs),
        DISK_TEST(a_burst_of_changes_is_asked_about_few_times),
        DISK_TEST(a_change_right_after_the_question_leads_to_another_one),
        DISK_TEST(a_failing_question_leaves_the_old_size),
        DISK_TEST(a_late_answer_to_a_call_does_not_undo_the_watchs),
        DISK_TEST(a_late_answer_to_the_watch_does_not_undo_a_resize),
        TEST(a_late_answer_while_opening_does_not_undo_the_watchs),
        TEST(a_change_before_the_watch_is_there_is_noticed),
        TEST(opening_fails_when_the_image_cannot_be_watched),
        TEST(opening_fails_when_the_size_is_not_known_in_the_end),
        DISK_TEST(a_watch_may_fire_while_the_disk_is_closing),
        DISK_TEST(closing_waits_for_the_question_about_the_size),
        TEST(watches_that_fire_on_and_on_hold_up_no_closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
