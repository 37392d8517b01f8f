/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a disk another client: what comes back, what is lost and said to be, and what refuses. */
#include "disk_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"
#include "fake.h"
#include "wrap.h"

static char tag;

static void fence(struct vdisk *disk)
{
    char byte;

    fake_blocklist();
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
}

static void reopen(struct vdisk *disk)
{
    struct vdisk_error err;

    if (vdisk_reopen(disk, 0, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(err.code, 0);
}

static void assert_works(struct vdisk *disk)
{
    char read[4];

    assert_int_equal(vdisk_pwrite(disk, "abc", 4, 4096, 0, NULL), 0);
    assert_int_equal(vdisk_flush(disk, NULL), 0);
    assert_int_equal(vdisk_pread(disk, read, 4, 4096, 0, NULL), 0);
    assert_string_equal(read, "abc");
}

static void assert_stays_fenced(struct vdisk *disk)
{
    struct vdisk_error err;

    assert_int_equal(vdisk_pread(disk, NULL, 0, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "The cluster has fenced the client");
}

static void write_one(struct vdisk *disk)
{
    assert_int_equal(vdisk_pwrite(disk, "x", 1, 0, 0, NULL), 0);
}

/* A connection, a pool and the image. */
#define OF_ONE_DISK 3

/* Coming back. */

static void a_fenced_disk_works_again(void **state)
{
    const struct fixture *fixture = *state;
    char byte;

    fence(fixture->disk);
    reopen(fixture->disk);
    assert_works(fixture->disk);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    /* The old client is gone. */
    assert_int_equal(fake_leaks(NULL, 0), OF_ONE_DISK);
}

static void it_can_be_fenced_and_reopened_again(void **state)
{
    const struct fixture *fixture = *state;

    for (int i = 0; i < 3; i++) {
        assert_works(fixture->disk);
        fence(fixture->disk);
        assert_stays_fenced(fixture->disk);
        reopen(fixture->disk);
    }
    assert_works(fixture->disk);
}

/* Each is to be reopened by itself; where there is room, they share the new client too. */
static void disks_that_share_a_client_are_fenced_together(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *other;
    char byte;

    fake_create_image("p", "", "j", IMAGE_SIZE);
    other = open_disk("rbd:p/j", 0);
    assert_int_equal(fake_calls("rados_connect"), 1);
    assert_int_equal(vdisk_reopen(fixture->disk, VDISK_REOPEN_FENCE, NULL), 0);
    assert_int_equal(fake_calls("rados_connect"), 2);
    assert_works(fixture->disk);
    assert_int_equal(vdisk_pread(other, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    assert_stays_fenced(other);
    reopen(other);
    assert_int_equal(fake_calls("rados_connect"), 2);
    assert_works(other);
    assert_works(fixture->disk);
    close_disk(other);
}

static void the_newest_map_is_seen_before_anything_is_sent(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before;

    fence(fixture->disk);
    before = fake_calls("rados_wait_for_latest_osdmap");
    fake_fail_call("rados_wait_for_latest_osdmap", 1, EIO);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EIO);
    assert_int_equal(fake_calls("rados_wait_for_latest_osdmap"), before + 1);
    assert_int_equal(fake_calls("rbd_open"), 1);
    assert_stays_fenced(fixture->disk);
    reopen(fixture->disk);
}

static void it_is_opened_as_it_was_at_first(void **state)
{
    static const struct vdisk_option own[] = {{"rbd_cache", "true"}, {"key", "secret"}};
    struct vdisk_open_options options;
    struct vdisk *disk;
    const char *log, *second;
    char *first;

    (void)state;
    vdisk_open_options_init(&options, sizeof options);
    options.id = "somebody";
    options.options = own;
    options.option_count = 2;
    assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI ":rbd_cache_size=33554432", &options, NULL), 0);
    first = strdup(fake_conf_log());
    assert_non_null(first);
    fence(disk);
    reopen(disk);
    log = fake_conf_log();
    second = log + strlen(first);
    assert_memory_equal(log, first, strlen(first));
    /* Behind it stands what the second did, and that the first is shut down. */
    assert_memory_equal(second, first, strlen(first));
    assert_string_equal(second + strlen(first), "shutdown\n");
    free(first);
    close_disk(disk);
}

static void a_read_only_disk_works_again(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    char byte;

    (void)state;
    fence(disk);
    fake_resize_image("p", "", "i", 2 * IMAGE_SIZE, false);
    reopen(disk);
    assert_int_equal(vdisk_get_size(disk), 2 * IMAGE_SIZE);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 2 * IMAGE_SIZE - 1, 0, NULL), 0);
    /* It is polled as before. */
    fake_resize_image("p", "", "i", 512, false);
    wait_until(vdisk_get_size(disk) == 512);
    close_disk(disk);
}

static void a_snapshot_works_again(void **state)
{
    struct vdisk *disk;
    char byte;

    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    disk = open_disk(IMAGE_URI "@s", VDISK_OPEN_READ_ONLY);
    fence(disk);
    reopen(disk);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    close_disk(disk);
}

/* The fake aborts when a pool is closed under an image, and an image under a request. */
static void replaced_views_of_a_read_only_disk_are_closed_too(void **state)
{
    struct vdisk *disk = open_polled(IMAGE_URI);
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, disk, &byte, 1, 0), 0);
    fake_resize_image("p", "", "i", 512, false);
    wait_until(vdisk_get_size(disk) == 512);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    fence(disk);
    reopen(disk);
    assert_int_equal(vdisk_pread(disk, &byte, 1, 0, 0, NULL), 0);
    close_disk(disk);
}

/* What was in I/O. */

static int reopen_it(void *disk)
{
    return vdisk_reopen(disk, 0, NULL);
}

static void requests_in_flight_are_waited_for(void **state)
{
    static struct background reopening;
    const struct fixture *fixture = *state;
    char byte;

    fake_hold(FAKE_READ);
    assert_int_equal(submit_read(fixture->queue, fixture->disk, &byte, 1, 0), 0);
    fake_blocklist();
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, NULL), -ESHUTDOWN);
    start_background(&reopening, reopen_it, fixture->disk);
    allow_time_for(is_over(&reopening));
    assert_false(is_over(&reopening));
    assert_int_equal(vdisk_pread(fixture->disk, &byte, 1, 0, 0, NULL), -ESHUTDOWN);
    fake_release_all();
    assert_int_equal(end_background(&reopening), 0);
    assert_int_equal(reap_one(fixture->queue), -ESHUTDOWN);
    assert_works(fixture->disk);
}

/* Lost writes. */

static void writes_that_were_not_flushed_are_said_to_be_lost(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    write_one(fixture->disk);
    fence(fixture->disk);
    reopen(fixture->disk);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vdisk_flush(fixture->disk, &err), -EIO);
        assert_int_equal(submit_flush(fixture->queue, fixture->disk), 0);
        assert_int_equal(reap_one(fixture->queue), -EIO);
        write_one(fixture->disk);
    }
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void closing_tells_of_the_loss_too(void **state)
{
    struct fixture *fixture = *state;

    write_one(fixture->disk);
    fence(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(vdisk_close(fixture->disk, NULL), -EIO);
    fixture->disk = NULL;
}

static void a_loss_is_told_once_only(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    fence(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    fence(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
}

static void flushed_writes_are_not_lost(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    fence(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
}

static void a_flush_that_fencing_failed_is_a_loss(void **state)
{
    const struct fixture *fixture = *state;

    fake_next_result(FAKE_FLUSH, -ESHUTDOWN);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ESHUTDOWN);
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

static void the_first_error_stays(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    fake_next_result(FAKE_FLUSH, -ENOSPC);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    fence(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
}

/* It is the reopening itself that finds out. */
static void a_client_that_is_fenced_unnoticed_loses_writes_too(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    fake_blocklist();
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void a_fence_that_is_noticed_late_is_proven_by_a_newer_map(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls("rados_wait_for_latest_osdmap");

    write_one(fixture->disk);
    fake_blocklist();
    fake_fail_call("rados_wait_for_latest_osdmap", 2, EIO);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EIO);
    assert_int_equal(fake_calls("rados_wait_for_latest_osdmap"), before + 2);
    /* The next attempt knows of the fence from its start, so one map is enough. */
    reopen(fixture->disk);
    assert_int_equal(fake_calls("rados_wait_for_latest_osdmap"), before + 3);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

/* Watches. */

static void watch(const struct fixture *fixture)
{
    assert_int_equal(vdisk_aio_watch(fixture->queue, fixture->disk, 0, &tag, NULL), 0);
}

static void assert_event(const struct fixture *fixture, uint64_t events)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_ptr_equal(done.user_data, &tag);
    assert_int_equal(done.result, 0);
    assert_int_equal(done.value, events);
}

static void end_watch(struct fixture *fixture)
{
    struct vdisk_completion done;

    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_int_equal(done.result, -ESHUTDOWN);
    assert_int_equal(done.value, 0);
}

static void what_has_changed_meanwhile_is_told(void **state)
{
    struct fixture *fixture = *state;

    watch(fixture);
    fence(fixture->disk);
    assert_event(fixture, VDISK_EVENT_FENCED);
    fake_resize_image("p", "", "i", 512, true);
    reopen(fixture->disk);
    assert_event(fixture, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(fixture->disk), 512);
    fence(fixture->disk);
    assert_event(fixture, VDISK_EVENT_FENCED);
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    reopen(fixture->disk);
    assert_event(fixture, VDISK_EVENT_SNAPSHOTS);
    end_watch(fixture);
}

static void watches_go_on(void **state)
{
    struct fixture *fixture = *state;

    watch(fixture);
    fence(fixture->disk);
    assert_event(fixture, VDISK_EVENT_FENCED);
    reopen(fixture->disk);
    fake_resize_image("p", "", "i", 512, true);
    assert_event(fixture, VDISK_EVENT_RESIZED);
    end_watch(fixture);
}

/* Other owners. */

static void another_owners_lock_is_respected(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fence(fixture->disk);
    fake_take_lock("p", "", "i", "192.0.2.1:0/4711");
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "its exclusive lock belongs to another client, \"192.0.2.1:0/4711\"");
    assert_stays_fenced(fixture->disk);
    assert_int_equal(vdisk_reopen(fixture->disk, VDISK_REOPEN_FENCE, &err), -EBUSY);
    fake_take_lock("p", "", "i", NULL);
    reopen(fixture->disk);
    assert_works(fixture->disk);
}

static void an_own_lock_from_before_is_not_anothers(void **state)
{
    const struct fixture *fixture = *state;

    /* Of the first client's, which none after it has broken, since none has written. */
    assert_works(fixture->disk);
    for (int i = 0; i < 3; i++) {
        fence(fixture->disk);
        reopen(fixture->disk);
    }
    assert_works(fixture->disk);
}

static void who_only_reads_respects_no_lock(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    fence(disk);
    fake_take_lock("p", "", "i", "192.0.2.1:0/4711");
    reopen(disk);
    close_disk(disk);
}

static void an_image_that_is_gone_is_not_reopened(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    fence(fixture->disk);
    fake_remove_image("p", "", "i");
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -ENOENT);
    assert_says(&err, -ENOENT, "Image \"i\" is not reopened: it, or its snapshot, is gone");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -ENOENT);
    assert_says(&err, -ENOENT, "is gone, whatever has its name now");
    assert_stays_fenced(fixture->disk);
}

/* A disk that is not fenced. */

static void a_disk_that_is_not_fenced_is_flushed_and_loses_nothing(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    reopen(fixture->disk);
    assert_int_equal(fake_calls("rbd_flush"), 1);
    assert_false(fake_image_closed_unflushed("p", "", "i"));
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
    assert_int_equal(fake_leaks(NULL, 0), OF_ONE_DISK);
}

static void a_flush_that_fails_before_it_sticks(void **state)
{
    const struct fixture *fixture = *state;

    write_one(fixture->disk);
    fake_fail_call("rbd_flush", 1, ENOSPC);
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -ENOSPC);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void one_that_is_not_fenced_goes_on_when_reopening_fails_early(void **state)
{
    const struct fixture *fixture = *state;

    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -ETIMEDOUT);
    assert_works(fixture->disk);
}

static void one_that_could_not_be_reopened_late_can_be_tried_again(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    write_one(fixture->disk);
    fake_fail_call("rbd_update_watch", 1, EIO);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, &err), -EIO);
    assert_says(&err, -EIO, "Image \"i\" is not reopened: watching it failed: ");
    assert_int_equal(vdisk_pread(fixture->disk, NULL, 0, 0, 0, &err), -ESHUTDOWN);
    assert_says(&err, -ESHUTDOWN, "vdisk_reopen tries again");
    reopen(fixture->disk);
    assert_int_equal(vdisk_flush(fixture->disk, NULL), 0);
    assert_works(fixture->disk);
}

static void one_that_could_not_be_reopened_late_can_be_closed(void **state)
{
    struct fixture *fixture = *state;

    write_one(fixture->disk);
    fake_fail_call("rbd_update_watch", 1, EIO);
    assert_int_equal(vdisk_reopen(fixture->disk, 0, NULL), -EIO);
    close_disk(fixture->disk);
    fixture->disk = NULL;
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        DISK_TEST(a_fenced_disk_works_again),
        DISK_TEST(it_can_be_fenced_and_reopened_again),
        DISK_TEST(disks_that_share_a_client_are_fenced_together),
        DISK_TEST(the_newest_map_is_seen_before_anything_is_sent),
        cmocka_unit_test_setup_teardown(it_is_opened_as_it_was_at_first, set_up_cluster, tear_down_cluster),
        cmocka_unit_test_setup_teardown(a_read_only_disk_works_again, set_up_cluster, tear_down_cluster),
        cmocka_unit_test_setup_teardown(a_snapshot_works_again, set_up_cluster, tear_down_cluster),
        DISK_TEST(replaced_views_of_a_read_only_disk_are_closed_too),
        DISK_TEST(requests_in_flight_are_waited_for),
        DISK_TEST(writes_that_were_not_flushed_are_said_to_be_lost),
        DISK_TEST(closing_tells_of_the_loss_too),
        DISK_TEST(a_loss_is_told_once_only),
        DISK_TEST(flushed_writes_are_not_lost),
        DISK_TEST(a_flush_that_fencing_failed_is_a_loss),
        DISK_TEST(the_first_error_stays),
        DISK_TEST(a_client_that_is_fenced_unnoticed_loses_writes_too),
        DISK_TEST(a_fence_that_is_noticed_late_is_proven_by_a_newer_map),
        DISK_TEST(what_has_changed_meanwhile_is_told),
        DISK_TEST(watches_go_on),
        DISK_TEST(another_owners_lock_is_respected),
        DISK_TEST(an_own_lock_from_before_is_not_anothers),
        cmocka_unit_test_setup_teardown(who_only_reads_respects_no_lock, set_up_cluster, tear_down_cluster),
        DISK_TEST(an_image_that_is_gone_is_not_reopened),
        DISK_TEST(a_disk_that_is_not_fenced_is_flushed_and_loses_nothing),
        DISK_TEST(a_flush_that_fails_before_it_sticks),
        DISK_TEST(one_that_is_not_fenced_goes_on_when_reopening_fails_early),
        DISK_TEST(one_that_could_not_be_reopened_late_can_be_tried_again),
        DISK_TEST(one_that_could_not_be_reopened_late_can_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
