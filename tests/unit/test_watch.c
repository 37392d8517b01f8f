/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watching a disk through a queue: what is told, how it adds up, and the end. */
#include "disk_fixture.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "fake.h"
#include "io/queue.h"
#include "wrap.h"

static char tag, other_tag;

static void watch(struct vdisk_queue *queue, struct vdisk *disk)
{
    struct vdisk_error err;

    assert_int_equal(vdisk_aio_watch(queue, disk, 0, &tag, &err), 0);
    assert_int_equal(err.code, 0);
}

/* Waits for what the queue tells next. */
static struct vdisk_completion next(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, 30000), 1);
    return done;
}

static void assert_event(struct vdisk_queue *queue, uint64_t events)
{
    struct vdisk_completion done = next(queue);

    assert_ptr_equal(done.user_data, &tag);
    assert_int_equal(done.result, 0);
    assert_int_equal(done.flags, VDISK_COMPLETION_MORE);
    assert_int_equal(done.value, events);
    assert_null(done.disk);
}

static void assert_end(struct vdisk_queue *queue, int result, uint64_t events)
{
    struct vdisk_completion done = next(queue);

    assert_ptr_equal(done.user_data, &tag);
    assert_int_equal(done.result, result);
    assert_int_equal(done.flags, 0);
    assert_int_equal(done.value, events);
}

/* The worker has dealt with all there was, and there is nothing to reap. */
static void assert_silence(struct vdisk_queue *queue, struct vdisk *disk)
{
    struct vdisk_completion done;

    assert_true(fake_wait_idle());
    if (!disk->limits.read_only)
        vd_background_flush(&disk->background);
    assert_int_equal(vdisk_queue_reap(queue, &done, 1), 0);
}

static void end_watches(struct vdisk_queue *queue)
{
    vd_queue_end_subscribers(queue, &tag);
    while (queue->subscribers)
        next(queue);
}

static int tear_down(void **state)
{
    const struct fixture *fixture = *state;

    end_watches(fixture->queue);
    end_watches(fixture->other_queue);
    return tear_down_disk(state);
}

static bool is_readable(const struct vdisk_queue *queue)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

static void resize_elsewhere(uint64_t size)
{
    fake_resize_image("p", "", "i", size, true);
}

static void snapshot_elsewhere(const char *name)
{
    fake_create_snapshot("p", "", "i", name, RBD_SNAP_NAMESPACE_TYPE_USER);
}

/* What is told. */

static void nothing_is_told_when_nothing_happens(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    fake_notify("p", "", "i");
    assert_silence(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_pwrite(fixture->disk, "x", 1, 0, 0, NULL), 0);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_silence(fixture->queue, fixture->disk);
}

static void a_resize_elsewhere_is_told_with_the_size_known(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    for (uint64_t size = 2 * IMAGE_SIZE; size > 512; size /= 3) {
        resize_elsewhere(size);
        assert_event(fixture->queue, VDISK_EVENT_RESIZED);
        assert_int_equal(vdisk_get_size(fixture->disk), size);
    }
    assert_silence(fixture->queue, fixture->disk);
}

static void a_resize_by_this_disk_is_told_once(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_event(fixture->queue, VDISK_EVENT_RESIZED);
    assert_silence(fixture->queue, fixture->disk);
}

static void a_snapshot_elsewhere_is_told(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    snapshot_elsewhere("s");
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    snapshot_elsewhere("t");
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    assert_silence(fixture->queue, fixture->disk);
}

static void snapshots_of_this_disk_are_told(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_rollback(fixture->disk, "s", 0, NULL), 0);
    assert_silence(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), 0);
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    assert_silence(fixture->queue, fixture->disk);
}

static void a_rollback_to_another_size_is_a_resize(void **state)
{
    const struct fixture *fixture = *state;

    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    vd_background_flush(&fixture->disk->background);
    fixture->disk->refresh.snapshot_digest = 0;
    watch(fixture->queue, fixture->disk);
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    assert_int_equal(vdisk_snapshot_rollback(fixture->disk, "s", 0, NULL), 0);
    assert_event(fixture->queue, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    assert_silence(fixture->queue, fixture->disk);
}

static void a_change_since_the_opening_is_told(void **state)
{
    const struct fixture *fixture = *state;

    snapshot_elsewhere("s");
    assert_true(fake_wait_idle());
    watch(fixture->queue, fixture->disk);
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    assert_silence(fixture->queue, fixture->disk);
}

static void snapshots_are_not_looked_for_when_nobody_watches(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls("rbd_snap_list");

    resize_elsewhere(512);
    wait_until(vdisk_get_size(fixture->disk) == 512);
    assert_silence(fixture->queue, fixture->disk);
    assert_int_equal(fake_calls("rbd_snap_list"), before);
}

static void a_list_that_fails_is_made_up_for(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    assert_silence(fixture->queue, fixture->disk);
    fake_fail_call("rbd_snap_list", 1, EIO);
    snapshot_elsewhere("s");
    assert_silence(fixture->queue, fixture->disk);
    fake_notify("p", "", "i");
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
}

static void opening_fails_when_the_snapshots_are_not_known(void **state)
{
    struct vdisk *disk = (void *)1;
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_snap_list", 1, EIO);
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, NULL, &err), -EIO);
    assert_says(&err, -EIO, "Opening image \"i\" in pool \"p\" failed: ");
    assert_null(disk);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

/* A read-only disk. */

static void a_read_only_disk_tells_what_it_finds_when_it_looks(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk = open_polled(IMAGE_URI);

    watch(fixture->queue, disk);
    resize_elsewhere(512);
    assert_event(fixture->queue, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(disk), 512);
    snapshot_elsewhere("s");
    assert_event(fixture->queue, VDISK_EVENT_SNAPSHOTS);
    fake_blocklist();
    assert_event(fixture->queue, VDISK_EVENT_FENCED);
    close_disk(disk);
    assert_end(fixture->queue, -ESHUTDOWN, 0);
}

static void a_snapshot_can_be_watched(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;
    char byte;

    snapshot_elsewhere("s");
    disk = open_disk(IMAGE_URI "@s", VDISK_OPEN_READ_ONLY);
    watch(fixture->queue, disk);
    fake_blocklist();
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    assert_event(fixture->queue, VDISK_EVENT_FENCED);
    close_disk(disk);
    assert_end(fixture->queue, -ESHUTDOWN, 0);
}

/* Fencing. */

static void fencing_is_told_once(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    watch(fixture->queue, fixture->disk);
    assert_silence(fixture->queue, fixture->disk);
    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->other_queue, fixture->disk, &byte, 1, 0), 0);
    assert_int_equal(submit_read(fixture->other_queue, fixture->disk, &byte, 1, 0), 0);
    fake_blocklist();
    fake_release_all();
    assert_int_equal(reap_one(fixture->other_queue), -ESHUTDOWN);
    assert_int_equal(reap_one(fixture->other_queue), -ESHUTDOWN);
    assert_event(fixture->queue, VDISK_EVENT_FENCED);
    assert_silence(fixture->queue, fixture->disk);
}

static void a_fenced_disk_says_so_at_once(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->other_queue, fixture->disk);
    fake_blocklist();
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, NULL), -ESHUTDOWN);
    assert_event(fixture->other_queue, VDISK_EVENT_FENCED);
    watch(fixture->queue, fixture->disk);
    assert_event(fixture->queue, VDISK_EVENT_FENCED);
    assert_silence(fixture->other_queue, fixture->disk);
}

static void the_worker_may_be_the_one_to_find_out(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    assert_silence(fixture->queue, fixture->disk);
    fake_fail_call("rbd_get_size", 1, ESHUTDOWN);
    fake_notify("p", "", "i");
    assert_event(fixture->queue, VDISK_EVENT_FENCED);
}

/* A queue's room. */

static void what_is_not_reaped_adds_up(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    resize_elsewhere(512);
    for (int i = 0; i < 1000; i++)
        fake_notify("p", "", "i");
    snapshot_elsewhere("s");
    resize_elsewhere(1024);
    assert_true(fake_wait_idle());
    vd_background_flush(&fixture->disk->background);
    assert_true(is_readable(fixture->queue));
    assert_event(fixture->queue, VDISK_EVENT_RESIZED | VDISK_EVENT_SNAPSHOTS);
    assert_silence(fixture->queue, fixture->disk);
    assert_false(is_readable(fixture->queue));
}

static void a_watch_takes_no_room(void **state)
{
    struct vdisk_queue_options options;
    const struct fixture *fixture = *state;
    struct vdisk_queue *queue;
    char byte;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = 1;
    assert_int_equal(vdisk_queue_create(&queue, &options, NULL), 0);
    watch(queue, fixture->disk);
    watch(queue, fixture->disk);
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_int_equal(vdisk_queue_drain(queue), 0);
    assert_int_equal(submit_read(queue, fixture->disk, &byte, 1, 0), 0);
    assert_int_equal(reap_one(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), -EBUSY);
    end_watches(queue);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void reaping_can_stop_in_between(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    watch(fixture->queue, fixture->disk);
    resize_elsewhere(512);
    assert_event(fixture->queue, VDISK_EVENT_RESIZED);
    wait_until(is_readable(fixture->queue));
    assert_event(fixture->queue, VDISK_EVENT_RESIZED);
    assert_silence(fixture->queue, fixture->disk);
}

static int resize_soon(void *disk)
{
    nap();
    return vdisk_resize(disk, 512, VDISK_RESIZE_SHRINK, NULL);
}

static void waiting_waits_for_events(void **state)
{
    static struct background resizing;
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    watch(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 1), 0);
    start_background(&resizing, resize_soon, fixture->disk);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 1);
    assert_int_equal(done.value, VDISK_EVENT_RESIZED);
    assert_int_equal(end_background(&resizing), 0);
}

/* The end. */

static void closing_the_disk_ends_its_watches(void **state)
{
    struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    watch(fixture->queue, fixture->disk);
    watch(fixture->other_queue, fixture->disk);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    assert_end(fixture->queue, -ESHUTDOWN, 0);
    assert_int_equal(vdisk_queue_destroy(fixture->queue), -EBUSY);
    assert_end(fixture->queue, -ESHUTDOWN, 0);
    assert_end(fixture->other_queue, -ESHUTDOWN, 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, NULL, 0, 0, -1), 0);
}

static void the_end_tells_what_was_not_told(void **state)
{
    struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    resize_elsewhere(512);
    wait_until(vdisk_get_size(fixture->disk) == 512);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_end(fixture->queue, -ESHUTDOWN, VDISK_EVENT_RESIZED);
}

static void a_watch_can_be_ended_by_its_tag(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    struct vdisk_completion done;

    watch(fixture->queue, fixture->disk);
    watch(fixture->queue, fixture->disk);
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &other_tag, NULL), 0);
    assert_int_equal(vd_queue_end_subscribers(fixture->queue, &tag), 2);
    assert_int_equal(vd_queue_end_subscribers(fixture->queue, &tag), 0);
    assert_end(fixture->queue, -ECANCELED, 0);
    assert_end(fixture->queue, -ECANCELED, 0);
    resize_elsewhere(512);
    done = next(fixture->queue);
    assert_ptr_equal(done.user_data, &other_tag);
    assert_int_equal(vd_queue_end_subscribers(fixture->queue, &other_tag), 1);
    done = next(fixture->queue);
    assert_ptr_equal(done.user_data, &other_tag);
    assert_int_equal(vdisk_queue_error(fixture->queue, &done, &err), -ECANCELED);
    assert_int_equal(err.message[0] != '\0', true);
}

static void queues_without_a_watch_are_not_waited_for_any_more(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion done;

    watch(fixture->queue, fixture->disk);
    assert_int_equal(vd_queue_end_subscribers(fixture->queue, &tag), 1);
    assert_end(fixture->queue, -ECANCELED, 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, -1), 0);
}

static int close_it(void *disk)
{
    return vdisk_close(disk, NULL);
}

/* For the sanitizers: the disk goes while its queue cancels the watch. */
static void closing_and_cancelling_may_meet(void **state)
{
    static struct background closing;
    const struct fixture *fixture = *state;

    for (int i = 0; i < 100; i++) {
        struct vdisk *disk = open_disk(IMAGE_URI, 0);

        watch(fixture->queue, disk);
        start_background(&closing, close_it, disk);
        fake_notify("p", "", "i");
        for (int naps = i % 4; naps > 0; naps--)
            nap();
        vd_queue_end_subscribers(fixture->queue, &tag);
        while (fixture->queue->subscribers)
            next(fixture->queue);
        assert_int_equal(end_background(&closing), 0);
    }
}

/* For the sanitizers: events come while they are reaped. */
static void reaping_and_telling_may_meet(void **state)
{
    const struct fixture *fixture = *state;

    watch(fixture->queue, fixture->disk);
    for (uint64_t i = 1; i <= 2000; i++) {
        struct vdisk_completion done;

        resize_elsewhere(IMAGE_SIZE + i);
        assert_true(vdisk_queue_reap(fixture->queue, &done, 1) >= 0);
    }
    wait_until(vdisk_get_size(fixture->disk) == IMAGE_SIZE + 2000);
}

/* Refusals. */

static void what_cannot_be_watched_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(vdisk_aio_watch(NULL, fixture->disk, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The queue is NULL");
    assert_int_equal(vdisk_aio_watch(fixture->queue, NULL, 0, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "The disk is NULL");
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 1, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "0x1");
    wrap_fail_call("calloc", 1);
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, NULL, &err), -ENOMEM);
    wrap_disarm();
    assert_says(&err, -ENOMEM, "Out of memory for a watch");
    assert_null(fixture->queue->subscribers);
}

static void a_closing_disk_takes_no_watch(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;
    struct vdisk_error err;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    start_closing(&closing, fixture->disk);
    wait_until(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &tag, &err) == -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "The disk is being closed");
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    while (vdisk_queue_in_flight(fixture->queue) > 0 || fixture->queue->subscribers)
        next(fixture->queue);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(nothing_is_told_when_nothing_happens),
        DISK_TEST(a_resize_elsewhere_is_told_with_the_size_known),
        DISK_TEST(a_resize_by_this_disk_is_told_once),
        DISK_TEST(a_snapshot_elsewhere_is_told),
        DISK_TEST(snapshots_of_this_disk_are_told),
        DISK_TEST(a_rollback_to_another_size_is_a_resize),
        DISK_TEST(a_change_since_the_opening_is_told),
        DISK_TEST(snapshots_are_not_looked_for_when_nobody_watches),
        DISK_TEST(a_list_that_fails_is_made_up_for),
        cmocka_unit_test_setup_teardown(opening_fails_when_the_snapshots_are_not_known, set_up_cluster,
                                        tear_down_cluster),
        DISK_TEST(a_read_only_disk_tells_what_it_finds_when_it_looks),
        DISK_TEST(a_snapshot_can_be_watched),
        DISK_TEST(fencing_is_told_once),
        DISK_TEST(a_fenced_disk_says_so_at_once),
        DISK_TEST(the_worker_may_be_the_one_to_find_out),
        DISK_TEST(what_is_not_reaped_adds_up),
        DISK_TEST(a_watch_takes_no_room),
        DISK_TEST(reaping_can_stop_in_between),
        DISK_TEST(waiting_waits_for_events),
        DISK_TEST(closing_the_disk_ends_its_watches),
        DISK_TEST(the_end_tells_what_was_not_told),
        DISK_TEST(a_watch_can_be_ended_by_its_tag),
        DISK_TEST(queues_without_a_watch_are_not_waited_for_any_more),
        DISK_TEST(closing_and_cancelling_may_meet),
        DISK_TEST(reaping_and_telling_may_meet),
        DISK_TEST(what_cannot_be_watched_is_refused),
        DISK_TEST(a_closing_disk_takes_no_watch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
