/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a connection is configured: what is applied, in which order, what is refused, and what the message says. */
#include "disk_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "wrap.h"

/* No message may hold it. Base64, so that the policy lets it be a key. */
#define SECRET "cGFzc3dvcmQ"

/* Without a key of its own, unlike the fake's. */
#define FILE_WITHOUT_KEY "rbd_cache = true\nkeyring = /nonexistent/keyring\n"

/* The program's options of a case, for calls that take an array. */
#define PROGRAM(...)                                                                                                   \
    .options = (const struct vdisk_option[]){__VA_ARGS__},                                                             \
    .option_count = sizeof(const struct vdisk_option[]){__VA_ARGS__} / sizeof(struct vdisk_option)

#define OPTIONS(...) (&(const struct vdisk_open_options){.struct_size = sizeof(struct vdisk_open_options), __VA_ARGS__})
#define ANY_OPTIONS(...) OPTIONS(.uri_policy = VDISK_URI_ANY, __VA_ARGS__)

/* Opens, and closes again what it could open. */
static int try_open(const char *uri, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct vdisk *disk = (void *)1;
    int r = vdisk_open_uri(&disk, uri, options, err);

    assert_int_equal(err->code, r);
    assert_null(strstr(err->message, SECRET));
    if (r == 0)
        close_disk(disk);
    else
        assert_null(disk);
    return r;
}

static void must_open(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;

    if (try_open(uri, options, &err) < 0)
        fail_msg("%s", err.message);
}

/* That nothing was asked of Ceph. */
static void assert_untouched(void)
{
    assert_int_equal(fake_calls(NULL), 0);
}

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

/*
 * Opens with the n-th call into Ceph failing. Returns whether there was one; *failures counts those that mattered,
 * since some do not.
 */
static bool open_with_failing_call(unsigned int n, const char *uri, const struct vdisk_open_options *options,
                                   unsigned int *failures)
{
    struct vdisk *disk = (void *)1;
    struct vdisk_error err;
    bool failed;
    int r;

    fake_fail_nth(n, EIO);
    r = vdisk_open_uri(&disk, uri, options, &err);
    failed = fake_failed();
    fake_fail_nth(0, 0);
    assert_int_equal(err.code, r);
    assert_null(strstr(err.message, SECRET));
    if (r == 0) {
        close_disk(disk);
        return failed;
    }
    assert_null(disk);
    assert_int_equal(fake_leaks(NULL, 0), 0);
    ++*failures;
    return failed;
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

/* Keys. */

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

/* What the program passes. */

static void assert_refused(const struct vdisk_open_options *options, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(try_open(IMAGE_URI, options, &err), code);
    assert_says(&err, code, part);
    assert_untouched();
}

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

/* Signals. */

/* A mask of the program's own, to be found again. */
static void set_mask(void)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGRTMIN);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mask, NULL), 0);
}

static void check_mask(void)
{
    sigset_t mask;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    for (int i = 1; i <= SIGRTMAX; i++)
        assert_int_equal(sigismember(&mask, i) == 1, i == SIGUSR1 || i == SIGRTMIN);
}

static int tear_down_mask(void **state)
{
    sigset_t mask;

    sigemptyset(&mask);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return tear_down_cluster(state);
}

static void signals_are_blocked_while_connecting_and_opening(void **state)
{
    static const char *const starters[] = {"rados_connect", "rados_ioctx_create", "rbd_namespace_exists",
                                           "rbd_open",      "rbd_open_read_only", "rbd_update_watch"};

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "i", IMAGE_SIZE);
    set_mask();
    close_disk(open_disk("rbd:p/n/i", 0));
    close_disk(open_disk("rbd:p/n/i", VDISK_OPEN_READ_ONLY));
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++) {
        assert_true(fake_calls(starters[i]) > 0);
        assert_true(fake_signals_blocked(starters[i]));
    }
    check_mask();
}

static void the_mask_is_restored_after_every_failing_call(void **state)
{
    unsigned int failures = 0;
    bool failed = true;

    (void)state;
    set_mask();
    for (unsigned int n = 1; failed; n++) {
        failed = open_with_failing_call(n, IMAGE_URI, NULL, &failures);
        check_mask();
    }
    assert_true(failures > 0);
}

static void the_mask_is_restored_after_every_failing_allocation(void **state)
{
    unsigned int failures = 0;

    (void)state;
    set_mask();
    for (unsigned int n = 1;; n++) {
        struct vdisk *disk;
        int r;

        wrap_fail_nth(n);
        r = vdisk_open_uri(&disk, IMAGE_URI, NULL, NULL);
        check_mask();
        if (r == 0)
            close_disk(disk);
        else
            failures++;
        if (!wrap_disarm())
            break;
    }
    assert_true(failures > 0);
}

static void the_mask_is_restored_after_a_refusal(void **state)
{
    struct vdisk_error err;

    (void)state;
    set_mask();
    assert_int_equal(try_open("rbd:p/i:log_file=/x", NULL, &err), -EPERM);
    assert_int_equal(try_open("rbd:p/i@s", NULL, &err), -EROFS);
    check_mask();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)
#define MASK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_mask)

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
        TEST(without_a_key_nothing_is_connected_to),
        TEST(the_user_without_a_key_can_be_the_default_one),
        TEST(a_key_from_anywhere_is_enough),
        TEST(no_key_is_needed_without_authentication),
        TEST(a_readable_keyring_among_several_is_enough),
        TEST(a_keyring_is_set_to_the_path_that_was_looked_at),
        TEST(a_null_key_or_value_is_refused),
        TEST(id_and_conf_are_no_options_of_ceph),
        TEST(a_count_without_an_array_is_refused),
        TEST(an_array_without_a_count_is_nothing),
        TEST(an_empty_id_or_conf_is_refused),
        TEST(unknown_flags_are_refused),
        TEST(unknown_policies_are_refused),
        TEST(a_null_uri_is_refused),
        TEST(a_structure_that_was_not_set_up_is_refused),
        TEST(a_longer_structure_is_fine_while_the_rest_is_zero),
        TEST(a_field_from_the_future_is_refused),
        TEST(initialising_sets_the_size_and_zeroes_the_rest),
        TEST(the_default_policy_refuses_a_log_file),
        TEST(the_any_policy_lets_a_log_file_pass),
        TEST(the_strict_policy_refuses_a_key),
        TEST(the_programs_own_options_are_never_filtered),
        MASK_TEST(signals_are_blocked_while_connecting_and_opening),
        MASK_TEST(the_mask_is_restored_after_every_failing_call),
        MASK_TEST(the_mask_is_restored_after_every_failing_allocation),
        MASK_TEST(the_mask_is_restored_after_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
