/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creating images. */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

#define NEW_URI "rbd:p/new"

static const struct vdisk_create_options *object_size(uint64_t size)
{
    static struct vdisk_create_options options;

    vdisk_create_options_init(&options, sizeof options);
    options.object_size = size;
    return &options;
}

static int create(const char *text, uint64_t size, const struct vdisk_create_options *options,
                  const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vdisk_uri *uri;
    int r;

    assert_int_equal(vdisk_uri_parse(&uri, text, NULL), 0);
    r = vdisk_create(uri, size, options, connect, err);
    vdisk_uri_free(uri);
    assert_int_equal(fake_leaks(NULL, 0), 0);
    return r;
}

static void must_create(const char *text, uint64_t size, const struct vdisk_create_options *options)
{
    struct vdisk_error err;

    if (create(text, size, options, NULL, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(err.code, 0);
}

static void assert_fails(const char *text, uint64_t size, const struct vdisk_create_options *options, int code,
                         const char *part)
{
    struct vdisk_error err;

    assert_int_equal(create(text, size, options, NULL, &err), code);
    assert_says(&err, code, part);
    assert_false(fake_image_exists("p", "", "new"));
}

/* What is made. */

static void a_new_image_has_its_size_and_reads_as_zeroes(void **state)
{
    unsigned char data[4096];
    struct vdisk *disk;

    (void)state;
    must_create(NEW_URI, MIB + 17, NULL);
    assert_int_equal(fake_image_size("p", "", "new"), MIB + 17);
    disk = open_disk(NEW_URI, 0);
    memset(data, 0xff, sizeof data);
    assert_int_equal(vdisk_pread(disk, data, sizeof data, MIB - 4096 + 17, 0, NULL), 0);
    assert_true(is_zero(data, sizeof data));
    close_disk(disk);
}

static void a_size_of_zero_is_one(void **state)
{
    (void)state;
    must_create(NEW_URI, 0, NULL);
    assert_int_equal(fake_image_size("p", "", "new"), 0);
}

static void an_image_is_made_in_its_namespace(void **state)
{
    (void)state;
    fake_create_namespace("p", "n");
    must_create("rbd:p/n/new", MIB, NULL);
    assert_true(fake_image_exists("p", "n", "new"));
    assert_false(fake_image_exists("p", "", "new"));
}

static void an_image_can_be_made_twice_in_two_places(void **state)
{
    (void)state;
    fake_create_pool("q");
    must_create(NEW_URI, MIB, NULL);
    must_create("rbd:q/new", 2 * MIB, NULL);
    assert_int_equal(fake_image_size("q", "", "new"), 2 * MIB);
}

/* The size of objects. */

static void every_power_of_two_in_bounds_is_an_object_size(void **state)
{
    (void)state;
    for (uint64_t size = VDISK_OBJECT_SIZE_MIN; size <= VDISK_OBJECT_SIZE_MAX; size *= 2) {
        char uri[64], name[32];

        snprintf(name, sizeof name, "objects-%d", (int)(size / VDISK_OBJECT_SIZE_MIN));
        snprintf(uri, sizeof uri, "rbd:p/%s", name);
        must_create(uri, MIB, object_size(size));
        assert_int_equal(fake_image_object_size("p", "", name), size);
    }
}

static void nothing_else_is_an_object_size(void **state)
{
    static const uint64_t sizes[] = {1,
                                     2048,
                                     4095,
                                     4097,
                                     5000,
                                     12288,
                                     4 * MIB + 1,
                                     24 * MIB,
                                     32 * MIB + 1,
                                     64 * MIB,
                                     UINT64_MAX,
                                     UINT64_MAX / 2,
                                     UINT64_C(1) << 63};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        assert_fails(NEW_URI, MIB, object_size(sizes[i]), -EINVAL, "power of two from 4096 to 33554432 bytes");
    assert_int_equal(fake_calls(NULL), 0);
}

static void without_an_object_size_it_is_as_configured(void **state)
{
    (void)state;
    must_create(NEW_URI, MIB, NULL);
    assert_int_equal(fake_image_object_size("p", "", "new"), 4 * MIB);
    must_create("rbd:p/small:rbd_default_order=16", MIB, object_size(0));
    assert_int_equal(fake_image_object_size("p", "", "small"), 64 * KIB);
}

static void the_programs_object_size_outranks_the_configured_one(void **state)
{
    (void)state;
    must_create("rbd:p/new:rbd_default_order=16", MIB, object_size(8 * MIB));
    assert_int_equal(fake_image_object_size("p", "", "new"), 8 * MIB);
}

/* What is refused. */

static void too_large_a_size_is_refused(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_fails(NEW_URI, (uint64_t)INT64_MAX + 1, NULL, -EFBIG, "9223372036854775808 bytes");
    assert_fails(NEW_URI, UINT64_MAX, NULL, -EFBIG, "18446744073709551615 bytes");
    assert_int_equal(fake_calls(NULL), 0);
    /* What fits is librbd's to judge, which has bounds of its own. */
    create(NEW_URI, INT64_MAX, NULL, NULL, &err);
    assert_int_equal(fake_calls("rbd_create4"), 1);
}

static void a_uri_with_a_snapshot_is_refused(void **state)
{
    (void)state;
    assert_fails("rbd:p/new@s", MIB, NULL, -EINVAL, "must not name a snapshot, but it names \"s\"");
    assert_int_equal(fake_calls(NULL), 0);
}

static void a_null_uri_is_refused(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_create(NULL, MIB, NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
}

static void flags_of_an_opening_are_refused(void **state)
{
    struct vdisk_open_options connect;
    struct vdisk_error err;

    (void)state;
    vdisk_open_options_init(&connect, sizeof connect);
    connect.flags = VDISK_OPEN_READ_ONLY;
    assert_int_equal(create(NEW_URI, MIB, NULL, &connect, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x1 ");
    assert_int_equal(fake_calls(NULL), 0);
}

static void the_uris_policy_holds(void **state)
{
    (void)state;
    assert_fails("rbd:p/new:log_file=/tmp/x", MIB, NULL, -EPERM, "\"log_file\"");
    assert_int_equal(fake_calls(NULL), 0);
}

static void options_that_were_not_set_up_are_refused(void **state)
{
    struct vdisk_create_options options = {0};

    (void)state;
    assert_fails(NEW_URI, MIB, &options, -EINVAL, "vdisk_create_options_init");
    options.struct_size = sizeof options - 1;
    assert_fails(NEW_URI, MIB, &options, -EINVAL, "vdisk_create_options_init");
    assert_int_equal(fake_calls(NULL), 0);
}

static void longer_options_are_fine_while_the_rest_is_zero(void **state)
{
    struct {
        struct vdisk_create_options known;
        uint64_t unknown;
    } options;

    (void)state;
    vdisk_create_options_init(&options.known, sizeof options);
    options.known.object_size = 8 * MIB;
    must_create("rbd:p/longer", MIB, &options.known);
    assert_int_equal(fake_image_object_size("p", "", "longer"), 8 * MIB);
    options.unknown = 1;
    assert_fails(NEW_URI, MIB, &options.known, -E2BIG, "vdisk_create_options");
}

/* What fails. */

static void an_existing_image_is_named_and_left_alone(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(create(IMAGE_URI, MIB, NULL, NULL, &err), -EEXIST);
    assert_says(&err, -EEXIST, "There is an image \"i\" in pool \"p\" already.");
    assert_int_equal(fake_image_size("p", "", "i"), IMAGE_SIZE);
}

static void a_missing_pool_or_namespace_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:none/new", MIB, NULL, -ENOENT, "no pool \"none\"");
    assert_fails("rbd:p/none/new", MIB, NULL, -ENOENT, "no namespace \"none\" in pool \"p\"");
}

static void a_failed_creation_is_told_with_its_error(void **state)
{
    (void)state;
    fake_fail_call("rbd_create4", 1, EDQUOT);
    assert_fails(NEW_URI, MIB, NULL, -EDQUOT, "Creating image \"new\" in pool \"p\" failed: ");
    fake_fail_call("rbd_image_options_set_uint64", 1, EINVAL);
    assert_fails(NEW_URI, MIB, object_size(8 * MIB), -EINVAL, "Creating image \"new\" in pool \"p\" failed: ");
    fake_fail_call("rados_connect", 1, ETIMEDOUT);
    assert_fails(NEW_URI, MIB, NULL, -ETIMEDOUT, "No monitor");
}

/* A mask of the program's own; whether it is still there. */
static void set_mask(int how)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    assert_int_equal(pthread_sigmask(how, &mask, NULL), 0);
}

static void check_mask(void)
{
    sigset_t mask;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    for (int i = 1; i <= SIGRTMAX; i++)
        assert_int_equal(sigismember(&mask, i) == 1, i == SIGUSR1);
}

/* create looks for leftovers each time. */
static void every_failing_call_leaves_nothing_behind(void **state)
{
    bool failed = true;

    (void)state;
    set_mask(SIG_SETMASK);
    for (unsigned int n = 1; failed; n++) {
        struct vdisk_error err;
        char uri[32];
        int r;

        snprintf(uri, sizeof uri, "rbd:p/new-%u", n);
        fake_fail_nth(n, EIO);
        r = create(uri, MIB, object_size(8 * MIB), NULL, &err);
        failed = fake_failed();
        assert_int_equal(err.code, r);
        assert_int_equal(fake_image_exists("p", "", uri + strlen("rbd:p/")), r == 0);
        check_mask();
    }
    fake_fail_nth(0, 0);
    assert_true(fake_signals_blocked("rados_connect"));
    assert_true(fake_signals_blocked("rbd_create4"));
    set_mask(SIG_UNBLOCK);
}

static void every_failing_allocation_is_enomem_or_done_without(void **state)
{
    unsigned int failures = 0;
    bool failed = true;

    (void)state;
    for (unsigned int n = 1; failed; n++) {
        struct vdisk_uri *uri;
        char text[32];
        int r;

        snprintf(text, sizeof text, "rbd:p/new-%u", n);
        assert_int_equal(vdisk_uri_parse(&uri, text, NULL), 0);
        wrap_fail_nth(n);
        r = vdisk_create(uri, MIB, NULL, NULL, NULL);
        failed = wrap_disarm();
        failures += r < 0;
        /* A thread that cannot be made is -EAGAIN. */
        assert_true(r == 0 || r == -ENOMEM || r == -EAGAIN);
        assert_int_equal(fake_image_exists("p", "", vdisk_uri_image(uri)), r == 0);
        assert_int_equal(fake_leaks(NULL, 0), 0);
        vdisk_uri_free(uri);
    }
    assert_true(failures > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_new_image_has_its_size_and_reads_as_zeroes),
        TEST(a_size_of_zero_is_one),
        TEST(an_image_is_made_in_its_namespace),
        TEST(an_image_can_be_made_twice_in_two_places),
        TEST(every_power_of_two_in_bounds_is_an_object_size),
        TEST(nothing_else_is_an_object_size),
        TEST(without_an_object_size_it_is_as_configured),
        TEST(the_programs_object_size_outranks_the_configured_one),
        TEST(too_large_a_size_is_refused),
        TEST(a_uri_with_a_snapshot_is_refused),
        TEST(a_null_uri_is_refused),
        TEST(flags_of_an_opening_are_refused),
        TEST(the_uris_policy_holds),
        TEST(options_that_were_not_set_up_are_refused),
        TEST(longer_options_are_fine_while_the_rest_is_zero),
        TEST(an_existing_image_is_named_and_left_alone),
        TEST(a_missing_pool_or_namespace_is_named),
        TEST(a_failed_creation_is_told_with_its_error),
        TEST(every_failing_call_leaves_nothing_behind),
        TEST(every_failing_allocation_is_enomem_or_done_without),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
