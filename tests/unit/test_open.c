/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This file tests vdisk_open_uri: an error names what is missing or what failed, and each kind of opening makes the
 * right calls of librbd.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

static int try_open(const char *uri, uint32_t flags, struct vdisk_error *err)
{
    struct vdisk_open_options options;
    struct vdisk *disk = (void *)1;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    r = vdisk_open_uri(&disk, uri, &options, err);
    if (r == 0)
        close_disk(disk);
    else
        assert_null(disk);
    return r;
}

static void assert_fails(const char *uri, uint32_t flags, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(try_open(uri, flags, &err), code);
    assert_says(&err, code, part);
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

/* What is missing, or fails. */

static void a_failed_connect_is_explained(void **state)
{
    static const struct {
        int error;
        int code;
        const char *part;
    } cases[] = {
        {ETIMEDOUT, -ETIMEDOUT, "No monitor of the cluster answered in time"},
        {EACCES, -EACCES, "refuses the Ceph user \"u\""},
        {EPERM, -EACCES, "refuses the Ceph user \"u\""},
        {ENOENT, -ENOENT, "the keyring has no key for the Ceph user \"u\""},
        {EINVAL, -EINVAL, "as the Ceph user \"u\" failed: its key is not in Ceph's form"},
        {EIO, -EIO, "as the Ceph user \"u\" failed: Input/output error"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_fail_call("rados_connect", 1, cases[i].error);
        assert_fails("rbd:p/i:id=u", 0, cases[i].code, cases[i].part);
        assert_int_equal(fake_calls("rados_connect"), i + 1);
    }
}

static void a_connection_whose_thread_cannot_start_is_dropped(void **state)
{
    struct vdisk_error err;
    int r;

    (void)state;
    wrap_fail_call("pthread_create", 1);
    r = try_open(IMAGE_URI, 0, &err);
    wrap_disarm();
    assert_int_equal(r, -EAGAIN);
    assert_says(&err, -EAGAIN, "thread for a connection cannot be started");
    assert_int_equal(fake_leaks(NULL, 0), 0);
}

static void a_missing_pool_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:none/i", 0, -ENOENT, "no pool \"none\"");
}

static void a_missing_namespace_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/none/i", 0, -ENOENT, "no namespace \"none\" in pool \"p\"");
}

static void a_missing_image_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/none", 0, -ENOENT, "no image \"none\" in pool \"p\"");
    assert_int_equal(fake_calls("rbd_open"), 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 0);
    assert_fails("rbd:p/none", VDISK_OPEN_READ_ONLY, -ENOENT, "no image \"none\" in pool \"p\"");
}

static void a_missing_snapshot_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/i@none", VDISK_OPEN_READ_ONLY, -ENOENT, "Image \"i\" in pool \"p\" has no snapshot \"none\"");
}

static void a_snapshot_of_a_missing_image_is_a_missing_image(void **state)
{
    (void)state;
    assert_fails("rbd:p/none@s", VDISK_OPEN_READ_ONLY, -ENOENT, "no image \"none\" in pool \"p\"");
}

#define OPENING_FAILED "Opening image \"i\" in namespace \"n\" of pool \"p\" failed: Input/output error"

static void a_step_that_fails_otherwise_is_told_with_its_error(void **state)
{
    static const struct {
        const char *function;
        const char *part;
    } cases[] = {
        {"rados_ioctx_create", "Opening pool \"p\" failed: Input/output error"},
        {"rbd_namespace_exists", "Looking for namespace \"n\" in pool \"p\" failed: Input/output error"},
        {"rbd_open", OPENING_FAILED},
        {"rbd_get_size", OPENING_FAILED},
        {"rbd_stat", OPENING_FAILED},
        {"rbd_get_stripe_unit", OPENING_FAILED},
        {"rbd_get_stripe_count", OPENING_FAILED},
        {"rbd_get_features", OPENING_FAILED},
        {"rbd_get_id", OPENING_FAILED},
        {"rbd_update_watch", OPENING_FAILED},
    };

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", IMAGE_SIZE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_fail_call(cases[i].function, 1, EIO);
        assert_fails("rbd:p/n/i", 0, -EIO, cases[i].part);
    }
}

static void a_uri_that_does_not_parse_opens_nothing(void **state)
{
    (void)state;
    assert_fails("rbd:p", 0, -EINVAL, "image");
    assert_int_equal(fake_calls(NULL), 0);
}

static void there_must_be_somewhere_to_put_the_disk(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_open_uri(NULL, IMAGE_URI, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "nowhere to put the disk");
    assert_int_equal(fake_calls(NULL), 0);
}

static void success_clears_the_error(void **state)
{
    struct vdisk_error err;

    (void)state;
    memset(&err, 'x', sizeof err);
    assert_int_equal(try_open(IMAGE_URI, 0, &err), 0);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
}

/* What is opened, and how. */

static void a_snapshot_needs_to_be_read_only(void **state)
{
    (void)state;
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_fails("rbd:p/i@s", 0, -EROFS, "Snapshot \"s\" can only be opened read-only: give VDISK_OPEN_READ_ONLY");
    assert_int_equal(fake_calls(NULL), 0);
    assert_int_equal(try_open("rbd:p/i@s", VDISK_OPEN_READ_ONLY, NULL), 0);
}

static void read_only_opening_takes_no_lock_and_no_watch(void **state)
{
    (void)state;
    assert_int_equal(try_open(IMAGE_URI, VDISK_OPEN_READ_ONLY, NULL), 0);
    assert_int_equal(fake_calls("rbd_open_read_only"), 1);
    assert_int_equal(fake_calls("rbd_open"), 0);
    assert_int_equal(fake_calls("rbd_update_watch"), 0);
}

static void opening_for_writing_watches(void **state)
{
    (void)state;
    assert_int_equal(try_open(IMAGE_URI, 0, NULL), 0);
    assert_int_equal(fake_calls("rbd_open"), 1);
    assert_int_equal(fake_calls("rbd_open_read_only"), 0);
    assert_int_equal(fake_calls("rbd_update_watch"), 1);
    assert_int_equal(fake_calls("rbd_update_unwatch"), 1);
}

static void an_image_is_looked_for_in_its_namespace(void **state)
{
    char data[3];
    struct vdisk *disk;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", MIB);
    fake_image_write("p", "n", "i", 0, "abc", 3);
    disk = open_disk("rbd:p/n/i", 0);
    assert_int_equal(vdisk_get_size(disk), MIB);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "abc", 3);
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_failed_connect_is_explained),
        TEST(a_connection_whose_thread_cannot_start_is_dropped),
        TEST(a_missing_pool_is_named),
        TEST(a_missing_namespace_is_named),
        TEST(a_missing_image_is_named),
        TEST(a_missing_snapshot_is_named),
        TEST(a_snapshot_of_a_missing_image_is_a_missing_image),
        TEST(a_step_that_fails_otherwise_is_told_with_its_error),
        TEST(a_snapshot_needs_to_be_read_only),
        TEST(read_only_opening_takes_no_lock_and_no_watch),
        TEST(opening_for_writing_watches),
        TEST(an_image_is_looked_for_in_its_namespace),
        TEST(a_uri_that_does_not_parse_opens_nothing),
        TEST(there_must_be_somewhere_to_put_the_disk),
        TEST(success_clears_the_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
