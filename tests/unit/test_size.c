/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a disk learns of its image's size: by the watch, by asking again and again on a read-only disk; and what becomes
 * of requests that were in I/O when it changed.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <semaphore.h>
#include <string.h>

#include "disk/disk.h"
#include "fake.h"

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

/* Of the next call. */
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

static void resize_elsewhere(uint64_t size, bool notify)
{
    fake_resize_image("p", "", "i", size, notify);
}

static void assert_size_becomes(const struct vdisk *disk, uint64_t size)
{
    wait_until(vdisk_get_size(disk) == size);
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

/* Polling. */

/* How many images, and what comes with them, are open. Polling itself opens one from time to time. */
static void assert_leftovers_become(size_t count)
{
    wait_until(fake_leaks(NULL, 0) == count);
}

/* A connection, a pool and the image. */
#define OF_ONE_DISK 3

static void a_read_only_disk_follows_the_size(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    resize_elsewhere(2 * IMAGE_SIZE, true);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    resize_elsewhere(512, true);
    assert_size_becomes(disk, 512);
    close_disk(disk);
}

static void what_was_written_elsewhere_since_is_read(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    char data[3];

    (void)state;
    resize_elsewhere(2 * IMAGE_SIZE, true);
    fake_image_write("p", "", "i", 2 * IMAGE_SIZE - 3, "abc", 3);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, data, 3, 2 * IMAGE_SIZE - 3, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

static void images_that_were_replaced_are_closed(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    for (uint64_t i = 1; i <= 20; i++) {
        resize_elsewhere(IMAGE_SIZE + i, true);
        assert_size_becomes(disk, IMAGE_SIZE + i);
    }
    assert_leftovers_become(OF_ONE_DISK);
    close_disk(disk);
}

/* The fake aborts when the image is closed under the request. */
static void a_request_ends_on_the_image_it_started_on(void **state)
{
    static unsigned char data[4096];
    struct vdisk *disk = open_polled(IMAGE_URI);
    const struct fixture *fixture = *state;
    unsigned int before;

    fill(data, sizeof data, 1);
    fake_image_write("p", "", "i", 0, data, sizeof data);
    fake_hold(FAKE_READ);
    memset(data, 0, sizeof data);
    assert_int_equal(submit_read(fixture->queue, disk, data, sizeof data, 0), 0);
    resize_elsewhere(2 * IMAGE_SIZE, true);
    assert_size_becomes(disk, 2 * IMAGE_SIZE);
    /* Time for some to want to close the old one. */
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_filled(data, sizeof data, 1));
    assert_leftovers_become(2 * OF_ONE_DISK);
    close_disk(disk);
}

static void closing_waits_for_requests_on_replaced_images(void **state)
{
    static struct closing closing;
    struct vdisk *disk = open_polled(IMAGE_URI);
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), 0);
        resize_elsewhere(IMAGE_SIZE + i, true);
        assert_size_becomes(disk, IMAGE_SIZE + i);
    }
    start_closing(&closing, disk);
    assert_int_equal(fake_release(FAKE_READ, 2, FAKE_RANDOM, 1), 2);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(reap_one(fixture->queue), 0);
}

static void closing_waits_for_the_poll(void **state)
{
    static struct closing closing;
    struct vdisk *disk = open_polled(IMAGE_URI);

    (void)state;
    fake_block_call("rbd_open_read_only");
    assert_true(fake_wait_blocked("rbd_open_read_only"));
    resize_elsewhere(512, true);
    start_closing(&closing, disk);
    allow_time_for(is_over(&closing.background));
    assert_false(is_over(&closing.background));
    fake_unblock_call("rbd_open_read_only");
    assert_int_equal(end_closing(&closing), 0);
}

static void a_failing_poll_leaves_the_old_size(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    unsigned int before;
    char byte;

    (void)state;
    fake_fail_always("rbd_open_read_only", EIO);
    resize_elsewhere(512, true);
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    fake_fail_always("rbd_open_read_only", 0);
    assert_size_becomes(disk, 512);
    close_disk(disk);
}

/* Another image in the place of the one that is open: removed, made again. */
static void another_image_of_the_same_name_is_not_taken_for_the_old(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    unsigned int before;
    char byte = 1;

    (void)state;
    fake_remove_image("p", "", "i");
    fake_create_image("p", "", "i", 2 * IMAGE_SIZE);
    fake_image_write("p", "", "i", 0, "x", 1);
    before = fake_calls("rbd_open_read_only");
    wait_until(fake_calls("rbd_open_read_only") >= before + 3);
    assert_int_equal(vdisk_get_size(disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(byte, 0);
    close_disk(disk);
}

static struct vdisk *open_with_period(const char *uri, uint32_t flags, uint32_t period_ms)
{
    struct vdisk_open_options options;
    struct vdisk *disk;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    options.size_poll_ms = period_ms;
    assert_int_equal(vdisk_open_uri(&disk, uri, &options, NULL), 0);
    return disk;
}

static void snapshots_are_not_polled(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    disk = open_polled("rbd:p/i@s");
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    allow_time_for(fake_calls("rbd_open_read_only") > 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    close_disk(disk);
}

static void disks_with_a_watch_are_not_polled(void **state)
{
    struct vdisk *disk = open_with_period(IMAGE_URI, 0, 1);

    (void)state;
    allow_time_for(fake_calls("rbd_open") + fake_calls("rbd_open_read_only") > 1);
    assert_int_equal(fake_calls("rbd_open") + fake_calls("rbd_open_read_only"), 1);
    close_disk(disk);
}

/* Waiting for it would take too long. */
static void a_period_of_zero_is_five_seconds(void **state)
{
    struct vdisk *disk = open_with_period(IMAGE_URI, VDISK_OPEN_READ_ONLY, 0);

    (void)state;
    assert_int_equal(disk->refresh.timer.period_ms, 5000);
    close_disk(disk);
}

/* Requests in I/O across a change. */

static void a_read_beyond_the_new_end_is_filled_with_zeroes(void **state)
{
    static unsigned char crossing[4096], beyond[4096];
    const struct fixture *fixture = *state;

    fill(crossing, sizeof crossing, 1);
    fake_image_write("p", "", "i", MIB, crossing, sizeof crossing);
    memset(crossing, 0xff, sizeof crossing);
    memset(beyond, 0xff, sizeof beyond);
    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, crossing, sizeof crossing, MIB), 0);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, beyond, sizeof beyond, 2 * MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + 100, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_filled(crossing, 100, 1));
    assert_true(is_zero(crossing + 100, sizeof crossing - 100));
    assert_true(is_zero(beyond, sizeof beyond));
}

/* librbd cuts one off without a word, and refuses the other. */
static void a_write_beyond_the_new_end_is_an_error(void **state)
{
    static const unsigned char data[4096];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    assert_int_equal(submit_write(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    assert_int_equal(submit_write(fixture->other_queue, fixture->disk, data, sizeof data, 2 * MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + 100, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), -EIO);
    assert_int_equal(reap_one(fixture->other_queue), -EIO);
}

static void what_still_fits_is_no_error(void **state)
{
    static unsigned char data[4096];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_WRITE);
    assert_int_equal(submit_write(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + sizeof data, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
}

static void a_request_refused_by_librbd_asks_whether_the_image_shrank(void **state)
{
    static unsigned char data[512];
    const struct fixture *fixture = *state;

    fake_hold(FAKE_READ | FAKE_EVENT);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, data, sizeof data, MIB), 0);
    resize_elsewhere(512, true);
    memset(data, 0xff, sizeof data);
    assert_int_equal(fake_release(FAKE_READ, 1, FAKE_FIFO, 0), 1);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(is_zero(data, sizeof data));
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
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
        TEST(a_read_only_disk_follows_the_size),
        TEST(what_was_written_elsewhere_since_is_read),
        TEST(images_that_were_replaced_are_closed),
        DISK_TEST(a_request_ends_on_the_image_it_started_on),
        DISK_TEST(closing_waits_for_requests_on_replaced_images),
        TEST(closing_waits_for_the_poll),
        TEST(a_failing_poll_leaves_the_old_size),
        TEST(another_image_of_the_same_name_is_not_taken_for_the_old),
        TEST(snapshots_are_not_polled),
        TEST(disks_with_a_watch_are_not_polled),
        TEST(a_period_of_zero_is_five_seconds),
        DISK_TEST(a_read_beyond_the_new_end_is_filled_with_zeroes),
        DISK_TEST(a_write_beyond_the_new_end_is_an_error),
        DISK_TEST(what_still_fits_is_no_error),
        DISK_TEST(a_request_refused_by_librbd_asks_whether_the_image_shrank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
