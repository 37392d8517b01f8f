/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exclusive use. */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include "fake.h"
#include "option_helpers.h"
#include "wrap.h"

#define EXCLUSIVE OPTIONS(.flags = VDISK_OPEN_EXCLUSIVE, .disks_per_connection = 1)
#define BREAKING OPTIONS(.flags = VDISK_OPEN_EXCLUSIVE | VDISK_OPEN_BREAK_LOCK, .disks_per_connection = 1)
#define ALONE OPTIONS(.disks_per_connection = 1)

#define SOMEBODY "192.0.2.1:0/1"

static int try_open(struct vdisk **disk, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r = vdisk_open_uri(disk, IMAGE_URI, options, err);

    assert_int_equal(err->code, r);
    return r;
}

static struct vdisk *must_open(const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    if (try_open(&disk, options, &err) < 0)
        fail_msg("%s", err.message);
    return disk;
}

static void must_fail(const struct vdisk_open_options *options, int code, const char *part)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_int_equal(try_open(&disk, options, &err), code);
    assert_says(&err, code, part);
}

static int write_byte(struct vdisk *disk)
{
    return vdisk_pwrite(disk, "x", 1, 0, 0, NULL);
}

static void it_is_taken_and_held(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE), *other = must_open(ALONE);
    char byte;

    (void)state;
    assert_int_equal(write_byte(disk), 0);
    assert_int_equal(write_byte(other), -EROFS);
    assert_int_equal(vdisk_pread(other, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
    close_disk(other);
}

static void it_is_cancelled_by_closing(void **state)
{
    (void)state;
    close_disk(must_open(EXCLUSIVE));
    close_disk(must_open(EXCLUSIVE));
}

static void without_the_flag_it_goes_to_and_fro(void **state)
{
    struct vdisk *disk = must_open(ALONE), *other = must_open(ALONE);

    (void)state;
    assert_int_equal(write_byte(disk), 0);
    assert_int_equal(write_byte(other), 0);
    assert_int_equal(write_byte(disk), 0);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 0);
    close_disk(disk);
    close_disk(other);
}

static void an_exclusive_owner_is_named(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE);

    (void)state;
    must_fail(EXCLUSIVE, -EBUSY, "\"i\" belongs to a client at \"127.0.0.1:0/");
    must_fail(BREAKING, -EBUSY, "\"i\" belongs to a client at \"127.0.0.1:0/");
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
}

/* It would give it up if librbd asked. */
static void it_is_not_taken_from_who_uses_the_image(void **state)
{
    struct vdisk *disk = must_open(ALONE);

    (void)state;
    assert_int_equal(write_byte(disk), 0);
    must_fail(EXCLUSIVE, -EBUSY, "belongs to a client at \"127.0.0.1:0/");
    must_fail(BREAKING, -EBUSY, "belongs to a client at \"127.0.0.1:0/");
    assert_int_equal(write_byte(disk), 0);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 0);
    assert_int_equal(fake_calls("rbd_lock_break"), 0);
    close_disk(disk);
}

static void a_disk_on_the_same_connection_counts_too(void **state)
{
    struct vdisk *disk = must_open(OPTIONS(.flags = VDISK_OPEN_EXCLUSIVE));

    (void)state;
    must_fail(OPTIONS(.flags = VDISK_OPEN_EXCLUSIVE | VDISK_OPEN_BREAK_LOCK), -EBUSY, "belongs to a client");
    close_disk(disk);
}

static void a_dead_owners_is_broken_on_request_only(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_take_lock("p", "", "i", SOMEBODY);
    must_fail(EXCLUSIVE, -EBUSY, "\"" SOMEBODY "\", which does not watch the image any more");
    must_fail(EXCLUSIVE, -EBUSY, "VDISK_OPEN_BREAK_LOCK");
    disk = must_open(BREAKING);
    assert_int_equal(fake_calls("rbd_lock_break"), 1);
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
}

static void many_watchers_are_looked_through(void **state)
{
    struct vdisk *disks[20];

    (void)state;
    for (int i = 0; i < 20; i++)
        disks[i] = must_open(NULL);
    assert_int_equal(write_byte(disks[0]), 0);
    must_fail(BREAKING, -EBUSY, "belongs to a client at");
    for (int i = 0; i < 20; i++)
        close_disk(disks[i]);
}

static void a_lock_made_by_hand_is_an_error(void **state)
{
    (void)state;
    fake_lock_by_hand("p", "", "i", true);
    must_fail(BREAKING, -EBUSY, "locked by hand");
}

static void an_image_without_the_feature_is_an_error(void **state)
{
    (void)state;
    fake_set_features("p", "", "i", RBD_FEATURE_LAYERING);
    must_fail(EXCLUSIVE, -ENOTSUP, "exclusive-lock");
    close_disk(must_open(ALONE));
}

static void who_may_not_take_it_is_told(void **state)
{
    (void)state;
    fake_fail_call("rbd_lock_acquire", 1, EPERM);
    must_fail(EXCLUSIVE, -EPERM, "profile rbd");
    fake_take_lock("p", "", "i", SOMEBODY);
    fake_fail_call("rbd_lock_break", 1, EACCES);
    must_fail(BREAKING, -EACCES, "profile rbd");
}

static void somebody_faster_gets_it(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_fail_call("rbd_lock_acquire", 1, EROFS);
    disk = must_open(EXCLUSIVE);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 2);
    close_disk(disk);
    fake_fail_always("rbd_lock_acquire", EROFS);
    must_fail(EXCLUSIVE, -EBUSY, "keep taking the exclusive lock");

    fake_fail_always("rbd_lock_acquire", 0);
    fake_take_lock("p", "", "i", SOMEBODY);
    fake_fail_call("rbd_lock_break", 1, EBUSY);
    fake_fail_call("rbd_lock_break", 2, ENOENT);
    close_disk(must_open(BREAKING));
}

static void read_only_disks_take_none(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE), *reader = must_open(OPTIONS(.flags = VDISK_OPEN_READ_ONLY));
    char byte;

    (void)state;
    assert_int_equal(vdisk_pread(reader, &byte, 1, 0, 0, NULL), 0);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 1);
    close_disk(reader);
    close_disk(disk);
}

static void flags_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    must_fail(OPTIONS(.flags = VDISK_OPEN_EXCLUSIVE | VDISK_OPEN_READ_ONLY), -EINVAL, "VDISK_OPEN_EXCLUSIVE");
    must_fail(OPTIONS(.flags = VDISK_OPEN_BREAK_LOCK), -EINVAL, "VDISK_OPEN_BREAK_LOCK");
    assert_int_equal(fake_calls(NULL), 0);
}

static void every_call_may_fail(void **state)
{
    unsigned int n = 0;
    struct vdisk_error err;
    struct vdisk *disk;
    bool struck;
    int r;

    (void)state;
    do {
        fake_take_lock("p", "", "i", SOMEBODY);
        fake_fail_nth(++n, EIO);
        r = try_open(&disk, BREAKING, &err);
        struck = fake_failed();
        if (r == 0)
            vdisk_close(disk, NULL);
    } while (struck || r != 0);
    assert_true(n > 10);
}

static void running_out_of_memory_is_told(void **state)
{
    (void)state;
    fake_take_lock("p", "", "i", SOMEBODY);
    wrap_fail_call("realloc", 1);
    must_fail(BREAKING, -ENOMEM, "owner of the exclusive lock");
    assert_true(wrap_disarm());
}

/* The disk's own lock, which outlives its fenced client. */
static void reopening_takes_it_again(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE), *other = must_open(ALONE);
    struct vdisk_error err;

    (void)state;
    fake_blocklist();
    assert_int_equal(write_byte(disk), -ESHUTDOWN);
    if (vdisk_reopen(disk, 0, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 2);
    assert_int_equal(write_byte(disk), 0);
    must_fail(EXCLUSIVE, -EBUSY, "belongs to a client");
    vdisk_acknowledge_loss(disk, NULL);
    close_disk(disk);
    vdisk_close(other, NULL);
}

static void reopening_without_need_takes_it_again(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE);
    struct vdisk_error err;

    (void)state;
    assert_int_equal(write_byte(disk), 0);
    if (vdisk_reopen(disk, 0, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(fake_calls("rbd_lock_acquire"), 2);
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
}

static void reopening_fails_without_the_lock_and_can_be_tried_again(void **state)
{
    struct vdisk *disk = must_open(EXCLUSIVE);
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_lock_acquire", 1, EIO);
    assert_int_equal(vdisk_reopen(disk, 0, &err), -EIO);
    assert_says(&err, -EIO, "Taking the exclusive lock");
    assert_int_equal(write_byte(disk), -ESHUTDOWN);
    assert_int_equal(vdisk_reopen(disk, 0, &err), 0);
    assert_int_equal(write_byte(disk), 0);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(it_is_taken_and_held),
        TEST(it_is_cancelled_by_closing),
        TEST(without_the_flag_it_goes_to_and_fro),
        TEST(an_exclusive_owner_is_named),
        TEST(it_is_not_taken_from_who_uses_the_image),
        TEST(a_disk_on_the_same_connection_counts_too),
        TEST(a_dead_owners_is_broken_on_request_only),
        TEST(many_watchers_are_looked_through),
        TEST(a_lock_made_by_hand_is_an_error),
        TEST(an_image_without_the_feature_is_an_error),
        TEST(who_may_not_take_it_is_told),
        TEST(somebody_faster_gets_it),
        TEST(read_only_disks_take_none),
        TEST(flags_that_do_not_go_together_are_refused),
        TEST(every_call_may_fail),
        TEST(running_out_of_memory_is_told),
        TEST(reopening_takes_it_again),
        TEST(reopening_without_need_takes_it_again),
        TEST(reopening_fails_without_the_lock_and_can_be_tried_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
