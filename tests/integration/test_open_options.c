/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests options of Ceph, set by the URI or by the program: which are refused, and by which policy. */
#include "openings.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void an_option_ceph_does_not_have_is_named(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = with_option("rbd_no_such_thing", "secret");

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EINVAL, FRAGMENTS("rbd_no_such_thing", "program"));
    options = default_options(0);
    must_not_open(text("rbd:%s:rbd_no_such_thing=secret", image), &options, -EPERM, FRAGMENTS("rbd_no_such_thing"));
    options.uri_policy = VDISK_URI_ANY;
    must_not_open(text("rbd:%s:rbd_no_such_thing=secret", image), &options, -EINVAL,
                  FRAGMENTS("rbd_no_such_thing", "URI"));
}

static void an_option_with_a_bad_value_is_named(void **state)
{
    const char *image = plain_image();
    struct vdisk_open_options options = with_option("rbd_cache_size", "plenty");

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EINVAL, FRAGMENTS("rbd_cache_size", "program"));
    options = default_options(0);
    must_not_open(text("rbd:%s:rbd_cache_size=plenty", image), &options, -EPERM, FRAGMENTS("rbd_cache_size"));
    options.uri_policy = VDISK_URI_ANY;
    must_not_open(text("rbd:%s:rbd_cache_size=plenty", image), &options, -EINVAL, FRAGMENTS("rbd_cache_size", "URI"));
}

/* Were it not refused, Ceph would make this file. */
static void a_log_file_in_the_uri_is_refused_and_not_made(void **state)
{
    static const char *const spellings[] = {"log_file", "log-file", "log file", " log_file "};
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image(), *path = temp_path("log");

    (void)state;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        must_not_open(text("rbd:%s:%s=%s", image, spellings[i], path), &options, -EPERM,
                      FRAGMENTS(spellings[i], "VDISK_URI_ANY"));
        assert_int_not_equal(access(path, F_OK), 0);
    }
    options.uri_policy = VDISK_URI_ANY;
    must_open_uri(text("rbd:%s:log_file=%s", image, path), &options);
    assert_int_equal(access(path, F_OK), 0);
}

static void options_that_name_files_code_or_monitors_are_refused_in_the_uri(void **state)
{
    static const char *const keys[] = {"admin_socket", "plugin_dir", "rbd_plugins", "keyfile",
                                       "mon_host",     "run_dir",    "crash_dir",   "log_to_stderr"};
    struct vdisk_open_options options = default_options(0);
    const char *image = plain_image();

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        must_not_open(text("rbd:%s:%s=/some/where", image, keys[i]), &options, -EPERM, FRAGMENTS(keys[i]));
}

static void the_strict_policy_refuses_what_the_guarded_one_allows(void **state)
{
    char *key = key_of("client.admin");
    const char *uri = text("rbd:%s:key=%s", plain_image(), key);
    struct vdisk_open_options options = default_options(0);

    (void)state;
    must_open_uri(uri, &options);
    options.uri_policy = VDISK_URI_STRICT;
    must_not_open(uri, &options, -EPERM, FRAGMENTS("key", "strict"));
    free(key);
}

static void options_of_the_program_are_not_filtered(void **state)
{
    const char *path = temp_path("log");
    struct vdisk_open_options options = with_option("log_file", path);

    (void)state;
    options.uri_policy = VDISK_URI_STRICT;
    must_open_uri(text("rbd:%s", plain_image()), &options);
    assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_option_ceph_does_not_have_is_named),
        TEST(an_option_with_a_bad_value_is_named),
        TEST(a_log_file_in_the_uri_is_refused_and_not_made),
        TEST(options_that_name_files_code_or_monitors_are_refused_in_the_uri),
        TEST(the_strict_policy_refuses_what_the_guarded_one_allows),
        TEST(options_of_the_program_are_not_filtered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
