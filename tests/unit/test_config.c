/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This file tests how a connection is configured: what is applied, in which order, what is refused, and what the
 * message says.
 */
#include "config_helpers.h"

#include <stdio.h>

/* Order and precedence. */

static void everything_is_applied_in_the_documented_order(void **state)
{
    (void)state;
    fake_conf_file_text("/c", "key = x");
    must_open("rbd:p/i:rbd_cache=true:id=u:debug_rbd=1:conf=/c:rbd_cache=true",
              ANY_OPTIONS(PROGRAM({"rbd_cache", "false"}, {"rbd_cache_size", "4M"})));
    assert_string_equal(fake_conf_log(), "create id=u\n"
                                         "default client_mount_timeout=30\n"
                                         "file /c\n"
                                         "set rbd_cache=true\n"
                                         "set debug_rbd=1\n"
                                         "set rbd_cache=true\n"
                                         "set rbd_cache=false\n"
                                         "set rbd_cache_size=4M\n"
                                         "connect\n"
                                         "shutdown\n");
}

static void the_defaults_are_admin_and_the_search_path(void **state)
{
    (void)state;
    must_open(IMAGE_URI, NULL);
    assert_string_equal(fake_conf_log(), "create id=admin\n"
                                         "default client_mount_timeout=30\n"
                                         "file\n"
                                         "set rbd_cache=false\n"
                                         "connect\n"
                                         "shutdown\n");
}

static void write_around_is_not_used_unasked(void **state)
{
    (void)state;
    must_open(IMAGE_URI, NULL);
    assert_string_equal(fake_conf_get("rbd_cache"), "false");
    must_open(IMAGE_URI ":rbd_cache=true", NULL);
    assert_string_equal(fake_conf_get("rbd_cache"), "false");
}

static void another_cache_policy_stays(void **state)
{
    (void)state;
    must_open(IMAGE_URI ":rbd_cache_policy=writeback", NULL);
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"rbd_cache_policy", "writearound"})));
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
}

static void the_programs_option_outranks_the_uris(void **state)
{
    (void)state;
    must_open("rbd:p/i:rbd_cache_size=1M", OPTIONS(PROGRAM({"rbd_cache_size", "2M"})));
    assert_string_equal(fake_conf_get("rbd_cache_size"), "2097152");
}

static void the_uris_option_outranks_the_files(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, "key = x\nrbd_cache_size = 3M\n");
    must_open("rbd:p/i:rbd_cache_size=1M", NULL);
    assert_string_equal(fake_conf_get("rbd_cache_size"), "1048576");
}

static void the_last_of_repeated_options_counts(void **state)
{
    (void)state;
    must_open("rbd:p/i:rbd_cache_size=1M:rbd_cache_size=5M", NULL);
    assert_string_equal(fake_conf_get("rbd_cache_size"), "5242880");
}

static void the_programs_id_outranks_the_uris(void **state)
{
    (void)state;
    must_open("rbd:p/i:id=uri", OPTIONS(.id = "program"));
    assert_contains(fake_conf_log(), "create id=program\n");
    assert_null(strstr(fake_conf_log(), "uri"));
}

static void the_uris_id_outranks_the_default(void **state)
{
    (void)state;
    must_open("rbd:p/i:id=first:id=last", NULL);
    assert_contains(fake_conf_log(), "create id=last\n");
}

static void the_programs_conf_outranks_the_uris(void **state)
{
    (void)state;
    fake_conf_file_text("/program", "key = x");
    must_open("rbd:p/i:conf=/uri", ANY_OPTIONS(.conf = "/program"));
    assert_contains(fake_conf_log(), "\nfile /program\n");
    assert_int_equal(fake_calls("rados_conf_read_file"), 1);
}

static void the_uris_conf_outranks_the_search_path(void **state)
{
    (void)state;
    fake_conf_file_text("/last", "key = x");
    must_open("rbd:p/i:conf=/first:conf=/last", ANY_OPTIONS());
    assert_contains(fake_conf_log(), "\nfile /last\n");
    assert_int_equal(fake_calls("rados_conf_read_file"), 1);
}

/* Files. */

static void finding_no_default_file_is_no_error(void **state)
{
    (void)state;
    fake_conf_file(NULL, -ENOENT);
    must_open("rbd:p/i:key=" SECRET, NULL);
}

static void defaults_that_ceph_refuses_end_the_opening(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rados_conf_parse_argv", 1, EINVAL);
    assert_int_equal(try_open(IMAGE_URI, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "defaults of options");
    assert_string_equal(fake_conf_log(), "create id=admin\nshutdown\n");
}

static void an_unreadable_default_file_is_an_error(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_conf_file(NULL, -EACCES);
    assert_int_equal(try_open("rbd:p/i:key=" SECRET, NULL, &err), -EACCES);
    assert_says(&err, -EACCES, "default search path");
    assert_string_equal(fake_conf_log(), "create id=admin\ndefault client_mount_timeout=30\nfile\nshutdown\n");
}

/* By its name; or, when that is the value of the URI's option, by the option's. */
static void a_missing_file_that_was_given_is_named(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open(IMAGE_URI, OPTIONS(.conf = "/my/ceph.conf"), &err), -ENOENT);
    assert_says(&err, -ENOENT, "file \"/my/ceph.conf\" does not exist");
    assert_int_equal(try_open("rbd:p/i:conf=/" SECRET, ANY_OPTIONS(), &err), -ENOENT);
    assert_says(&err, -ENOENT, "file that option \"conf\" of the URI names does not exist");
    assert_int_equal(fake_calls("rados_connect"), 0);
}

static void a_malformed_file_that_was_given_is_named(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_conf_file("/my/ceph.conf", -EINVAL);
    assert_int_equal(try_open(IMAGE_URI, OPTIONS(.conf = "/my/ceph.conf"), &err), -EINVAL);
    assert_says(&err, -EINVAL, "file \"/my/ceph.conf\" cannot be read: Invalid argument");
    assert_int_equal(fake_calls("rados_connect"), 0);
}

static void a_handle_that_cannot_be_made_is_explained(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rados_create", 1, ENOMEM);
    assert_int_equal(try_open("rbd:p/i:id=u", NULL, &err), -ENOMEM);
    assert_says(&err, -ENOMEM, "handle for the Ceph user \"u\"");
    assert_string_equal(fake_conf_log(), "create id=u\n");
}

/* Options that Ceph refuses. */

static void an_unknown_option_is_named_with_whose_it_is(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open("rbd:p/i:no_such=" SECRET, ANY_OPTIONS(), &err), -EINVAL);
    assert_says(&err, -EINVAL, "no option \"no_such\", which the URI sets");
    assert_int_equal(try_open(IMAGE_URI, OPTIONS(PROGRAM({"nor_such", SECRET})), &err), -EINVAL);
    assert_says(&err, -EINVAL, "no option \"nor_such\", which the program sets");
    assert_int_equal(fake_calls("rados_connect"), 0);
}

static void a_bad_value_is_not_told_but_its_option_is(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open("rbd:p/i:rbd_cache=" SECRET, ANY_OPTIONS(), &err), -EINVAL);
    assert_says(&err, -EINVAL, "the value that the URI gives to option \"rbd_cache\"");
    assert_int_equal(try_open(IMAGE_URI, OPTIONS(PROGRAM({"rbd_cache_size", SECRET})), &err), -EINVAL);
    assert_says(&err, -EINVAL, "the value that the program gives to option \"rbd_cache_size\"");
    assert_int_equal(fake_calls("rados_connect"), 0);
}

static void an_option_that_fails_ends_the_opening(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(try_open("rbd:p/i:no_such=1:rbd_cache=true", ANY_OPTIONS(PROGRAM({"debug_rbd", "1"})), &err),
                     -EINVAL);
    assert_string_equal(fake_conf_log(), "create id=admin\n"
                                         "default client_mount_timeout=30\n"
                                         "file\n"
                                         "set no_such=1\n"
                                         "shutdown\n");
}

static void no_failure_tells_a_value(void **state)
{
    static const char uri[] = "rbd:p/i:key=" SECRET ":id=x:mon_host=" SECRET;
    unsigned int failures = 0;

    (void)state;
    for (unsigned int n = 1; open_with_failing_call(n, uri, ANY_OPTIONS(PROGRAM({"key", SECRET})), &failures); n++)
        continue;
    /* Creating, reading, three options and the timeout, connecting, the pool, opening: at least. */
    assert_true(failures >= 9);
}

static void no_refusal_tells_a_value(void **state)
{
    static const char *const options[] = {
        "log_file=/" SECRET, "keyring=/" SECRET,          "conf=/" SECRET,
        "conf=" SECRET,      "rbd_cache=" SECRET,         "client_mount_timeout=" SECRET,
        "id=/" SECRET,       "key=" SECRET ",",           "no_such=" SECRET,
        "debug_rbd=" SECRET, "rbd_default_order=" SECRET,
    };

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct vdisk_error err;
        char uri[128];

        snprintf(uri, sizeof uri, "rbd:p/i:%s", options[i]);
        assert_true(try_open(uri, NULL, &err) < 0);
    }
    assert_untouched();
}

static void a_null_uri_is_refused(void **state)
{
    struct vdisk *disk = (void *)1;
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_open(&disk, NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
    assert_null(disk);
    assert_untouched();
}

/* How long to wait for a monitor. */

static void assert_timeout(const char *uri, const struct vdisk_open_options *options, const char *timeout)
{
    must_open(uri, options);
    assert_string_equal(fake_conf_get("client_mount_timeout"), timeout);
}

static void connecting_is_bounded_by_30_seconds(void **state)
{
    (void)state;
    assert_timeout(IMAGE_URI, NULL, "30");
    assert_timeout("rbd:p/i:rados_osd_op_timeout=9", OPTIONS(PROGRAM({"rados_mon_op_timeout", "8"})), "30");
}

static void the_uris_timeout_stands(void **state)
{
    (void)state;
    assert_timeout("rbd:p/i:client_mount_timeout=7", NULL, "7");
    assert_timeout("rbd:p/i:client mount timeout=8", NULL, "8");
    assert_timeout("rbd:p/i:client \t mount\ntimeout =9", NULL, "9");
    assert_timeout("rbd:p/i: client_mount timeout=300", NULL, "300");
}

static void the_programs_timeout_stands(void **state)
{
    (void)state;
    assert_timeout(IMAGE_URI, OPTIONS(PROGRAM({"client_mount_timeout", "7"})), "7");
    assert_timeout(IMAGE_URI, OPTIONS(PROGRAM({"client mount timeout", "8"})), "8");
    assert_timeout(IMAGE_URI, OPTIONS(PROGRAM({"rbd_cache", "true"}, {"\tclient mount_timeout", "9"})), "9");
    assert_timeout(IMAGE_URI, OPTIONS(PROGRAM({"client_mount_timeout", "300"})), "300");
}

static void the_files_timeout_stands(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, "key = x\nclient mount timeout = 77\n");
    assert_timeout(IMAGE_URI, NULL, "77");
    assert_timeout("rbd:p/i:client_mount_timeout=7", NULL, "7");
    fake_conf_file_text(NULL, "key = x\nclient mount timeout = 300\n");
    assert_timeout(IMAGE_URI, NULL, "300");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(everything_is_applied_in_the_documented_order),
        TEST(the_defaults_are_admin_and_the_search_path),
        TEST(write_around_is_not_used_unasked),
        TEST(another_cache_policy_stays),
        TEST(the_programs_option_outranks_the_uris),
        TEST(the_uris_option_outranks_the_files),
        TEST(the_last_of_repeated_options_counts),
        TEST(the_programs_id_outranks_the_uris),
        TEST(the_uris_id_outranks_the_default),
        TEST(the_programs_conf_outranks_the_uris),
        TEST(the_uris_conf_outranks_the_search_path),
        TEST(finding_no_default_file_is_no_error),
        TEST(defaults_that_ceph_refuses_end_the_opening),
        TEST(an_unreadable_default_file_is_an_error),
        TEST(a_missing_file_that_was_given_is_named),
        TEST(a_malformed_file_that_was_given_is_named),
        TEST(a_handle_that_cannot_be_made_is_explained),
        TEST(an_unknown_option_is_named_with_whose_it_is),
        TEST(a_bad_value_is_not_told_but_its_option_is),
        TEST(an_option_that_fails_ends_the_opening),
        TEST(no_failure_tells_a_value),
        TEST(no_refusal_tells_a_value),
        TEST(connecting_is_bounded_by_30_seconds),
        TEST(the_uris_timeout_stands),
        TEST(the_programs_timeout_stands),
        TEST(the_files_timeout_stands),
        TEST(a_null_uri_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
