/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests where the key of the Ceph user may come from, and that without a key nothing is connected to. */
#include "config_helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Without a key of its own, unlike the fake's. */
#define FILE_WITHOUT_KEY "rbd_cache = true\nkeyring = /nonexistent/keyring\n"

static void assert_no_key(const struct vdisk_open_options *options)
{
    unsigned int connects = fake_calls("rados_connect");
    struct vdisk_error err;

    assert_int_equal(try_open("rbd:p/i:id=u", options, &err), -ENOENT);
    assert_says(&err, -ENOENT, "No keyring for the Ceph user \"u\"");
    assert_int_equal(fake_calls("rados_connect"), connects);
}

static void without_a_key_nothing_is_connected_to(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    assert_no_key(NULL);
    assert_no_key(OPTIONS(PROGRAM({"keyring", ""})));
    assert_no_key(OPTIONS(PROGRAM({"keyring", ";, "})));
    assert_no_key(OPTIONS(PROGRAM({"auth_client_required", "cephx"})));
    assert_no_key(OPTIONS(PROGRAM({"auth_client_required", "none"}, {"auth_supported", "cephx"})));
    assert_no_key(OPTIONS(PROGRAM({"keyring", "/nonexistent/" SECRET})));
}

static void the_user_without_a_key_can_be_the_default_one(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    assert_int_equal(try_open(IMAGE_URI, NULL, &err), -ENOENT);
    assert_says(&err, -ENOENT, "No keyring for the Ceph user \"admin\"");
    assert_contains(err.message, "\"keyring\"");
    assert_contains(err.message, "auth_client_required=none");
}

static void a_key_from_anywhere_is_enough(void **state)
{
    (void)state;
    fake_conf_file_text("/with-key", "key = " SECRET);
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    must_open(IMAGE_URI, OPTIONS(.conf = "/with-key"));
    must_open("rbd:p/i:key=" SECRET, NULL);
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"key", SECRET})));
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"keyfile", "/somewhere"})));
}

static void no_key_is_needed_without_authentication(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"auth_client_required", "none"})));
    /* The old option outranks the newer three. */
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"auth_supported", "none"})));
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"auth_supported", "none"}, {"auth_client_required", "cephx"})));
}

static void a_readable_keyring_among_several_is_enough(void **state)
{
    static const char separators[] = ",;";
    char path[] = "/tmp/vdisk-test-keyring-XXXXXX", list[128];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"keyring", path})));
    for (const char *separator = separators; *separator; separator++) {
        snprintf(list, sizeof list, "/nonexistent/keyring%c%s%c/nonexistent", *separator, path, *separator);
        must_open(IMAGE_URI, OPTIONS(PROGRAM({"keyring", list})));
    }
    unlink(path);
    assert_no_key(OPTIONS(PROGRAM({"keyring", path})));
}

/* librados could make something else of it. */
static void a_keyring_is_set_to_the_path_that_was_looked_at(void **state)
{
    char path[] = "/tmp/vdisk-test-keyring-XXXXXX-admin", option[64], line[64];
    int fd = mkstemps(path, strlen("-admin"));

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    snprintf(option, sizeof option, "%.*s$id", (int)(strlen(path) - strlen("admin")), path);
    snprintf(line, sizeof line, "set keyring=%s\nconnect\n", path);
    fake_conf_file_text(NULL, FILE_WITHOUT_KEY);
    must_open(IMAGE_URI, OPTIONS(PROGRAM({"keyring", option})));
    assert_contains(fake_conf_log(), line);
    unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(without_a_key_nothing_is_connected_to),
        TEST(the_user_without_a_key_can_be_the_default_one),
        TEST(a_key_from_anywhere_is_enough),
        TEST(no_key_is_needed_without_authentication),
        TEST(a_readable_keyring_among_several_is_enough),
        TEST(a_keyring_is_set_to_the_path_that_was_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
