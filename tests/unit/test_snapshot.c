/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots of an open disk: each change, what is said when it fails, and the list. */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

/* What the fake's own list does not do. */
static struct {
    /* Gives it in the opposite order. */
    bool reversed;
    /* Makes so many snapshots after a list that did not fit. */
    int late;
} listing;

int __real_rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max);
int __wrap_rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max);

static void take_snapshot(const char *name)
{
    fake_create_snapshot("p", "", "i", name, RBD_SNAP_NAMESPACE_TYPE_USER);
}

static void take_snapshots(int count)
{
    static int taken;

    for (int i = 0; i < count; i++) {
        char name[32];

        snprintf(name, sizeof name, "snapshot-%d", taken++);
        take_snapshot(name);
    }
}

int __wrap_rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max)
{
    int count = __real_rbd_snap_list(image, snapshots, max);

    if (count == -ERANGE) {
        take_snapshots(listing.late);
        listing.late = 0;
    }
    for (int i = 0; listing.reversed && i < count / 2; i++) {
        rbd_snap_info_t other = snapshots[i];

        snapshots[i] = snapshots[count - 1 - i];
        snapshots[count - 1 - i] = other;
    }
    return count;
}

static int set_up(void **state)
{
    memset(&listing, 0, sizeof listing);
    return set_up_disk(state);
}

/* The changes, as one kind of call. */
static const struct change {
    int (*call)(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);
    const char *function;
    const char *doing;
} changes[] = {
    {vdisk_snapshot_create, "rbd_snap_create", "Creating"},
    {vdisk_snapshot_remove, "rbd_snap_remove2", "Removing"},
    {vdisk_snapshot_rollback, "rbd_snap_rollback_with_progress", "Rolling back to"},
    {vdisk_snapshot_protect, "rbd_snap_protect", "Protecting"},
    {vdisk_snapshot_unprotect, "rbd_snap_unprotect", "Unprotecting"},
};

#define CHANGES (sizeof changes / sizeof *changes)

/* Changes. */

static void creating_keeps_what_was_written(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    fake_image_read("p", "", "i", "s", 0, data, 3);
    assert_memory_equal(data, "abc", 3);
}

static void a_snapshot_can_be_opened_and_read(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    disk = open_disk("rbd:p/i@s", VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

static void removing_removes(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    take_snapshot("t");
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(fake_image_snapshots("p", "", "i"), 1);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), -ENOENT);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "t", 0, NULL), 0);
}

static void rolling_back_brings_data_and_size_back_at_once(void **state)
{
    const struct fixture *fixture = *state;
    char data[3];

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    take_snapshot("s");
    assert_int_equal(vdisk_pwrite(fixture->disk, "xyz", 3, 0, 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 2 * IMAGE_SIZE, 0, NULL), 0);
    assert_true(fake_wait_idle());
    fake_hold(FAKE_EVENT);
    assert_int_equal(vdisk_snapshot_rollback(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_get_size(fixture->disk), IMAGE_SIZE);
    assert_int_equal(vdisk_pread(fixture->disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
}

static void protecting_keeps_from_removal(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), -EBUSY);
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, NULL), 0);
}

static void each_change_is_one_call_of_librbd(void **state)
{
    const struct fixture *fixture = *state;
    static const size_t order[] = {0, 3, 4, 2, 1};

    for (size_t i = 0; i < CHANGES; i++) {
        const struct change *change = &changes[order[i]];

        assert_int_equal(change->call(fixture->disk, "s", 0, NULL), 0);
        assert_int_equal(fake_calls(change->function), 1);
    }
}

/* What is said. */

static void a_missing_snapshot_is_named(void **state)
{
    const struct fixture *fixture = *state;

    for (size_t i = 1; i < CHANGES; i++) {
        struct vdisk_error err;
        char sentence[128];

        snprintf(sentence, sizeof sentence, "%s snapshot \"none\" of image \"i\" failed: there is no such snapshot.",
                 changes[i].doing);
        assert_int_equal(changes[i].call(fixture->disk, "none", 0, &err), -ENOENT);
        assert_says(&err, -ENOENT, sentence);
    }
}

static void an_existing_snapshot_is_named(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -EEXIST);
    assert_says(&err, -EEXIST, "Creating snapshot \"s\" of image \"i\" failed: there is such a snapshot already.");
}

static void what_busy_and_invalid_mean_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    take_snapshot("s");
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "Unprotecting snapshot \"s\" of image \"i\" failed: it is not protected.");
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, NULL), 0);
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Protecting snapshot \"s\" of image \"i\" failed: it is protected already.");
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Removing snapshot \"s\" of image \"i\" failed: it is protected or clones depend on it.");
    fake_fail_call("rbd_snap_unprotect", 1, EBUSY);
    assert_int_equal(vdisk_snapshot_unprotect(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "Unprotecting snapshot \"s\" of image \"i\" failed: clones depend on it.");
}

static void any_other_error_is_told_as_it_is(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        fake_fail_call(changes[i].function, 1, EIO);
        assert_int_equal(changes[i].call(fixture->disk, "s", 0, &err), -EIO);
        assert_says(&err, -EIO, "snapshot \"s\" of image \"i\" failed: Input/output error.");
    }
    fake_fail_call("rbd_snap_create", 1, EBUSY);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "s", 0, &err), -EBUSY);
    assert_says(&err, -EBUSY, "failed: Device or resource busy.");
    fake_fail_call("rbd_snap_protect", 1, EINVAL);
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "s", 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "failed: Invalid argument.");
}

static void a_fenced_client_is_told(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    fake_blocklist();
    for (size_t i = 1; i < CHANGES; i++)
        assert_int_equal(changes[i].call(fixture->disk, "s", 0, NULL), -ESHUTDOWN);
    assert_int_equal(vdisk_snapshot_create(fixture->disk, "t", 0, NULL), -ESHUTDOWN);
}

/* What is refused. */

static void assert_nothing_was_changed(unsigned int before)
{
    assert_int_equal(fake_calls(NULL), before);
}

static void a_name_is_needed(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(fixture->disk, NULL, 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "name of the snapshot is empty");
        assert_int_equal(changes[i].call(fixture->disk, "", 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "name of the snapshot is empty");
    }
    assert_nothing_was_changed(before);
}

static void flags_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(fixture->disk, "s", 1, &err), -EINVAL);
        assert_says(&err, -EINVAL, "flags 0x1 ");
    }
    assert_nothing_was_changed(before);
}

static void a_read_only_disk_is_not_changed(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    unsigned int before = fake_calls(NULL);
    struct vdisk_error err;

    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        assert_int_equal(changes[i].call(disk, "s", 0, &err), -EROFS);
        assert_says(&err, -EROFS, "snapshots of image \"i\" is not possible: it is open read-only");
    }
    assert_nothing_was_changed(before);
    close_disk(disk);
}

/* Listing. */

static struct vdisk_snapshot *list(struct vdisk *disk, size_t count)
{
    struct vdisk_snapshot *snapshots = (void *)1;
    struct vdisk_error err;
    size_t listed = 77;

    if (vdisk_snapshot_list(&snapshots, &listed, disk, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(listed, count);
    assert_int_equal(snapshots != NULL, count > 0);
    return snapshots;
}

static void assert_listing_fails(struct vdisk *disk, int code)
{
    struct vdisk_snapshot *snapshots = (void *)1;
    struct vdisk_error err;
    size_t count = 77;

    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, disk, &err), code);
    assert_says(&err, code, "Listing the snapshots of image \"i\" failed: ");
    assert_null(snapshots);
    assert_int_equal(count, 0);
}

static void an_image_without_snapshots_has_none(void **state)
{
    const struct fixture *fixture = *state;

    vdisk_snapshot_list_free(list(fixture->disk, 0));
}

static void everything_of_a_snapshot_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;

    take_snapshot("one");
    assert_int_equal(vdisk_snapshot_protect(fixture->disk, "one", 0, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, 512, VDISK_RESIZE_SHRINK, NULL), 0);
    take_snapshot("two");
    snapshots = list(fixture->disk, 2);
    assert_string_equal(snapshots[0].name, "one");
    assert_int_equal(snapshots[0].size, IMAGE_SIZE);
    assert_int_equal(snapshots[0].is_protected, 1);
    assert_string_equal(snapshots[1].name, "two");
    assert_int_equal(snapshots[1].size, 512);
    assert_int_equal(snapshots[1].is_protected, 0);
    assert_true(snapshots[1].id > snapshots[0].id && snapshots[0].id > 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(snapshots[i].reserved_1, 0);
        assert_true(is_zero(snapshots[i].reserved_2, sizeof snapshots[i].reserved_2));
    }
    vdisk_snapshot_list_free(snapshots);
}

static void a_list_outlives_its_disk(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;

    take_snapshot("s");
    snapshots = list(fixture->disk, 1);
    close_disk(fixture->disk);
    fixture->disk = NULL;
    assert_string_equal(snapshots[0].name, "s");
    vdisk_snapshot_list_free(snapshots);
}

/* Their names, too, which are not those of their neighbours. */
static void assert_sorted(const struct vdisk_snapshot *snapshots, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        int older, newer;

        assert_true(snapshots[i].id > snapshots[i - 1].id);
        assert_int_equal(sscanf(snapshots[i - 1].name, "snapshot-%d", &older), 1);
        assert_int_equal(sscanf(snapshots[i].name, "snapshot-%d", &newer), 1);
        assert_true(newer > older);
    }
}

static void a_list_is_sorted_by_age(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;

    take_snapshots(12);
    listing.reversed = true;
    snapshots = list(fixture->disk, 12);
    assert_sorted(snapshots, 12);
    vdisk_snapshot_list_free(snapshots);
}

static void a_list_can_be_long(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;

    /* librbd needs one more than there are. */
    for (size_t count = 14; count <= 18; count++) {
        take_snapshots(count == 14 ? 14 : 1);
        vdisk_snapshot_list_free(list(fixture->disk, count));
    }
    take_snapshots(500);
    snapshots = list(fixture->disk, 518);
    assert_sorted(snapshots, 518);
    vdisk_snapshot_list_free(snapshots);
}

static void a_list_can_grow_while_it_is_read(void **state)
{
    const struct fixture *fixture = *state;

    unsigned int before = fake_calls("rbd_snap_list");

    take_snapshots(30);
    listing.late = 100;
    vdisk_snapshot_list_free(list(fixture->disk, 130));
    assert_int_equal(fake_calls("rbd_snap_list") - before, 3);
}

static void only_users_snapshots_are_listed(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots;

    fake_create_snapshot("p", "", "i", "group", RBD_SNAP_NAMESPACE_TYPE_GROUP);
    /* A name says nothing: each kind has its own. */
    fake_create_snapshot("p", "", "i", "mine", RBD_SNAP_NAMESPACE_TYPE_GROUP);
    take_snapshot("mine");
    fake_create_snapshot("p", "", "i", "trash", RBD_SNAP_NAMESPACE_TYPE_TRASH);
    fake_create_snapshot("p", "", "i", "mirror", RBD_SNAP_NAMESPACE_TYPE_MIRROR);
    snapshots = list(fixture->disk, 1);
    assert_string_equal(snapshots[0].name, "mine");
    vdisk_snapshot_list_free(snapshots);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "mine", 0, NULL), 0);
    vdisk_snapshot_list_free(list(fixture->disk, 0));
}

static void a_snapshot_that_goes_meanwhile_is_left_out(void **state)
{
    static const char *const functions[] = {"rbd_snap_is_protected", "rbd_snap_get_namespace_type"};
    const struct fixture *fixture = *state;

    take_snapshot("one");
    take_snapshot("two");
    take_snapshot("three");
    for (size_t i = 0; i < 2; i++) {
        struct vdisk_snapshot *snapshots;

        fake_fail_call(functions[i], 2, ENOENT);
        snapshots = list(fixture->disk, 2);
        assert_string_equal(snapshots[0].name, "one");
        assert_string_equal(snapshots[1].name, "three");
        vdisk_snapshot_list_free(snapshots);
        fake_fail_always(functions[i], ENOENT);
        vdisk_snapshot_list_free(list(fixture->disk, 0));
        fake_fail_always(functions[i], 0);
    }
}

static void a_failing_list_gives_nothing(void **state)
{
    static const char *const functions[] = {"rbd_snap_list", "rbd_snap_is_protected", "rbd_snap_get_namespace_type"};
    const struct fixture *fixture = *state;
    size_t leftovers = fake_leaks(NULL, 0);

    take_snapshots(3);
    for (size_t i = 0; i < 3; i++) {
        fake_fail_call(functions[i], i > 0 ? 3 : 1, EIO);
        assert_listing_fails(fixture->disk, -EIO);
        assert_int_equal(fake_leaks(NULL, 0), leftovers);
    }
}

static void a_list_without_memory_gives_nothing(void **state)
{
    const struct fixture *fixture = *state;
    size_t leftovers = fake_leaks(NULL, 0);
    bool failed = true;

    take_snapshots(20);
    for (unsigned int n = 1; failed; n++) {
        struct vdisk_snapshot *snapshots = (void *)1;
        size_t count = 77;
        int r;

        wrap_fail_nth(n);
        r = vdisk_snapshot_list(&snapshots, &count, fixture->disk, NULL);
        failed = wrap_disarm();
        assert_int_equal(r, failed ? -ENOMEM : 0);
        assert_int_equal(count, failed ? 0 : 20);
        assert_int_equal(snapshots == NULL, failed);
        assert_int_equal(fake_leaks(NULL, 0), leftovers);
        vdisk_snapshot_list_free(snapshots);
    }
}

static void both_results_are_set_when_one_has_nowhere_to_go(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_snapshot *snapshots = (void *)1;
    struct vdisk_error err;
    size_t count = 77;

    assert_int_equal(vdisk_snapshot_list(NULL, &count, fixture->disk, &err), -EINVAL);
    assert_says(&err, -EINVAL, "nowhere to put the list");
    assert_int_equal(count, 0);
    assert_int_equal(vdisk_snapshot_list(&snapshots, NULL, fixture->disk, &err), -EINVAL);
    assert_says(&err, -EINVAL, "nowhere to put the list");
    assert_null(snapshots);
    snapshots = (void *)1;
    count = 77;
    assert_int_equal(vdisk_snapshot_list(&snapshots, &count, NULL, &err), -EINVAL);
    assert_null(snapshots);
    assert_int_equal(count, 0);
}

static void freeing_no_list_is_fine(void **state)
{
    (void)state;
    vdisk_snapshot_list_free(NULL);
}

/* Of a read-only disk. */

static void a_read_only_disk_lists_what_there_is_now(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    size_t leftovers = fake_leaks(NULL, 0);

    (void)state;
    vdisk_snapshot_list_free(list(disk, 0));
    take_snapshots(3);
    vdisk_snapshot_list_free(list(disk, 3));
    assert_int_equal(fake_leaks(NULL, 0), leftovers);
    assert_true(fake_signals_blocked("rbd_open_read_only"));
    close_disk(disk);
}

static void a_disk_of_a_snapshot_lists_those_of_its_image(void **state)
{
    struct vdisk *disk;
    struct vdisk_snapshot *snapshots;

    (void)state;
    take_snapshot("old");
    disk = open_disk("rbd:p/i@old", VDISK_OPEN_READ_ONLY);
    take_snapshot("new");
    snapshots = list(disk, 2);
    assert_string_equal(snapshots[1].name, "new");
    vdisk_snapshot_list_free(snapshots);
    close_disk(disk);
}

static void a_read_only_disk_says_why_it_cannot_list(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    size_t leftovers = fake_leaks(NULL, 0);

    (void)state;
    take_snapshot("s");
    fake_fail_call("rbd_open_read_only", 1, EIO);
    assert_listing_fails(disk, -EIO);
    fake_fail_call("rbd_snap_list", 1, EIO);
    assert_listing_fails(disk, -EIO);
    assert_int_equal(fake_leaks(NULL, 0), leftovers);
    close_disk(disk);
}

static void the_list_of_another_image_of_the_same_name_is_not_given(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_create_image("p", "", "j", MIB);
    disk = open_disk("rbd:p/j", VDISK_OPEN_READ_ONLY);
    fake_remove_image("p", "", "j");
    fake_create_image("p", "", "j", MIB);
    fake_create_snapshot("p", "", "j", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_int_equal(vdisk_snapshot_list(&(struct vdisk_snapshot *){NULL}, &(size_t){0}, disk, NULL), -ENOENT);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(creating_keeps_what_was_written),
        TEST(a_snapshot_can_be_opened_and_read),
        TEST(removing_removes),
        TEST(rolling_back_brings_data_and_size_back_at_once),
        TEST(protecting_keeps_from_removal),
        TEST(each_change_is_one_call_of_librbd),
        TEST(a_missing_snapshot_is_named),
        TEST(an_existing_snapshot_is_named),
        TEST(what_busy_and_invalid_mean_is_said),
        TEST(any_other_error_is_told_as_it_is),
        TEST(a_fenced_client_is_told),
        TEST(a_name_is_needed),
        TEST(flags_are_refused),
        TEST(a_read_only_disk_is_not_changed),
        TEST(an_image_without_snapshots_has_none),
        TEST(everything_of_a_snapshot_is_told),
        TEST(a_list_outlives_its_disk),
        TEST(a_list_is_sorted_by_age),
        TEST(a_list_can_be_long),
        TEST(a_list_can_grow_while_it_is_read),
        TEST(only_users_snapshots_are_listed),
        TEST(a_snapshot_that_goes_meanwhile_is_left_out),
        TEST(a_failing_list_gives_nothing),
        TEST(a_list_without_memory_gives_nothing),
        TEST(both_results_are_set_when_one_has_nowhere_to_go),
        TEST(freeing_no_list_is_fine),
        TEST(a_read_only_disk_lists_what_there_is_now),
        TEST(a_disk_of_a_snapshot_lists_those_of_its_image),
        TEST(a_read_only_disk_says_why_it_cannot_list),
        TEST(the_list_of_another_image_of_the_same_name_is_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
