/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests the list of an image's snapshots: what it holds, its order, and what is given when it fails. */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

/* Changes of the list that the fake gives. */
static struct {
    /* The list comes in the opposite order. */
    bool reversed;
    /* So many snapshots are made after a list that did not fit. */
    int late;
} listing;

int __real_rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max);
int __wrap_rbd_snap_list(rbd_image_t image, rbd_snap_info_t *snapshots, int *max);

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

/* Read-only disks. */

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
