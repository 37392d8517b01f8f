/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This file tests struct vdisk_open_options: which values are refused, which sizes the structure may have, and which
 * options of the URI each policy lets pass.
 */
#include "config_helpers.h"

static void assert_refused(const struct vdisk_open_options *options, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(try_open(IMAGE_URI, options, &err), code);
    assert_says(&err, code, part);
    assert_untouched();
}

/* What the program passes. */

static void a_null_key_or_value_is_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS(PROGRAM({NULL, SECRET})), -EINVAL, "options[0] is NULL");
    assert_refused(OPTIONS(PROGRAM({"rbd_cache", "true"}, {"key", NULL})), -EINVAL, "options[1] is NULL");
}

static void id_and_conf_are_no_options_of_ceph(void **state)
{
    (void)state;
    assert_refused(OPTIONS(PROGRAM({"id", SECRET})), -EINVAL, "set vdisk_open_options.id instead");
    assert_refused(OPTIONS(PROGRAM({"rbd_cache", "true"}, {"conf", SECRET})), -EINVAL,
                   "set vdisk_open_options.conf instead");
}

static void a_count_without_an_array_is_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS(.option_count = 1), -EINVAL, "option_count is not 0");
}

static void an_array_without_a_count_is_nothing(void **state)
{
    static const struct vdisk_option none[] = {{NULL, NULL}};

    (void)state;
    must_open(IMAGE_URI, OPTIONS(.options = none));
}

static void an_empty_id_or_conf_is_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS(.id = ""), -EINVAL, "vdisk_open_options.id is empty");
    assert_refused(OPTIONS(.conf = ""), -EINVAL, "vdisk_open_options.conf is empty");
}

static void unknown_flags_are_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS(.flags = 1u << 4), -EINVAL, "flags 0x10 ");
    assert_refused(OPTIONS(.flags = 0x80000000u | VDISK_OPEN_READ_ONLY), -EINVAL, "flags 0x80000000 ");
}

static void unknown_policies_are_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS(.uri_policy = 3), -EINVAL, "no URI policy 3");
    assert_refused(OPTIONS(.uri_policy = UINT32_MAX), -EINVAL, "no URI policy 4294967295");
}

/* The size of the structure. */

/* As a later libvdisk has it. */
struct longer_options {
    struct vdisk_open_options known;
    unsigned char unknown[32];
};

static void a_structure_that_was_not_set_up_is_refused(void **state)
{
    struct vdisk_open_options options = {0};

    (void)state;
    assert_refused(&options, -EINVAL, "vdisk_open_options_init");
    options.struct_size = sizeof options - 1;
    assert_refused(&options, -EINVAL, "vdisk_open_options_init");
    options.struct_size = SIZE_MAX;
    assert_refused(&options, -EINVAL, "vdisk_open_options_init");
}

static void a_longer_structure_is_fine_while_the_rest_is_zero(void **state)
{
    struct longer_options options;

    (void)state;
    vdisk_open_options_init(&options.known, sizeof options);
    options.known.id = "longer";
    must_open(IMAGE_URI, &options.known);
    assert_contains(fake_conf_log(), "create id=longer\n");
}

static void a_field_from_the_future_is_refused(void **state)
{
    struct longer_options options;

    (void)state;
    vdisk_open_options_init(&options.known, sizeof options);
    options.unknown[31] = 1;
    assert_refused(&options.known, -E2BIG, "vdisk_open_options");
}

static void initialising_sets_the_size_and_zeroes_the_rest(void **state)
{
    struct longer_options options;

    (void)state;
    memset(&options, 0xff, sizeof options);
    vdisk_open_options_init(&options.known, sizeof options.known);
    assert_int_equal(options.known.struct_size, sizeof options.known);
    assert_true(is_zero((char *)&options + sizeof(size_t), sizeof options.known - sizeof(size_t)));
    assert_int_equal(options.unknown[0], 0xff);
}

/* The URI's policy. */

static void the_default_policy_refuses_a_log_file(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open("rbd:p/i:log_file=/tmp/x", NULL, &err), -EPERM);
    assert_says(&err, -EPERM, "\"log_file\"");
    assert_int_equal(try_open("rbd:p/i: log file=/tmp/x", OPTIONS(), &err), -EPERM);
    assert_says(&err, -EPERM, "\" log file\"");
    assert_untouched();
}

static void the_any_policy_lets_a_log_file_pass(void **state)
{
    (void)state;
    must_open("rbd:p/i:log_file=/tmp/x", ANY_OPTIONS());
    assert_string_equal(fake_conf_get("log_file"), "/tmp/x");
}

static void the_strict_policy_refuses_a_key(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open("rbd:p/i:key=" SECRET, OPTIONS(.uri_policy = VDISK_URI_STRICT), &err), -EPERM);
    assert_says(&err, -EPERM, "\"key\"");
    assert_untouched();
    must_open("rbd:p/i:id=u:rbd_cache=false", OPTIONS(.uri_policy = VDISK_URI_STRICT));
}

static void the_programs_own_options_are_never_filtered(void **state)
{
    (void)state;
    must_open(IMAGE_URI, OPTIONS(.uri_policy = VDISK_URI_STRICT,
                                 PROGRAM({"log_file", "/tmp/x"}, {"mon_host", "far"}, {"key", SECRET})));
    assert_string_equal(fake_conf_get("log_file"), "/tmp/x");
    assert_string_equal(fake_conf_get("mon_host"), "far");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_null_key_or_value_is_refused),
        TEST(id_and_conf_are_no_options_of_ceph),
        TEST(a_count_without_an_array_is_refused),
        TEST(an_array_without_a_count_is_nothing),
        TEST(an_empty_id_or_conf_is_refused),
        TEST(unknown_flags_are_refused),
        TEST(unknown_policies_are_refused),
        TEST(a_structure_that_was_not_set_up_is_refused),
        TEST(a_longer_structure_is_fine_while_the_rest_is_zero),
        TEST(a_field_from_the_future_is_refused),
        TEST(initialising_sets_the_size_and_zeroes_the_rest),
        TEST(the_default_policy_refuses_a_log_file),
        TEST(the_any_policy_lets_a_log_file_pass),
        TEST(the_strict_policy_refuses_a_key),
        TEST(the_programs_own_options_are_never_filtered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
