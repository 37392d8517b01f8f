/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of options a URI may set, and the document that shows it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uri/policy.h"
#include "uri/policy_value.h"
#include "uri_helpers.h"

static int check(struct vdisk_error *err, uint32_t policy, const char *key, const char *value)
{
    struct vdisk_uri *uri = make("p", NULL, "i", NULL);
    int r;

    *err = (struct vdisk_error){0};
    add(uri, key, value);
    r = vd_policy_check(policy, uri, err);
    assert_int_equal(err->code, r);
    vdisk_uri_free(uri);
    return r;
}

static void assert_allowed(uint32_t policy, const char *key, const char *value)
{
    struct vdisk_error err;

    if (check(&err, policy, key, value) != 0)
        fail_msg("%s=%s: %s", key, value, err.message);
}

static void assert_refused(uint32_t policy, const char *key, const char *value)
{
    struct vdisk_error err;

    if (check(&err, policy, key, value) != -EPERM)
        fail_msg("%s=%s is not refused: %s", key, value, err.message);
}

static const char *const insides[] = {"_", " ", "\t", " \n ", "\v\f\r"};
static const char *const arounds[] = {"", " ", "\t\n"};

#define SPELLINGS (sizeof insides / sizeof *insides * (sizeof arounds / sizeof *arounds))

/* The n-th of the spellings that Ceph takes for the name: with something for each "_", and something around. */
static const char *spell(char key[128], const char *name, size_t n)
{
    const char *inside = insides[n % (sizeof insides / sizeof *insides)];
    const char *around = arounds[n / (sizeof insides / sizeof *insides)];
    char *to = stpcpy(key, around);

    for (; *name; name++) {
        if (*name == '_')
            to = stpcpy(to, inside);
        else
            *to++ = *name;
    }
    stpcpy(to, around);
    return key;
}

/* A file that everybody may trust: root's, and so is every folder above it. */
#define TRUSTED_FILE "/etc/os-release"

/* A value that the row allows. */
static const char *good_value(char value[64], const struct vd_policy_row *row)
{
    static const char *const values[] = {
        [VD_VALUE_BOOL] = "true",   [VD_VALUE_LEVEL] = "5/20", [VD_VALUE_FEATURES] = "layering,exclusive-lock",
        [VD_VALUE_NAME] = "some.1", [VD_VALUE_KEY] = "AQ+/==", [VD_VALUE_FILE] = TRUSTED_FILE,
    };

    if (row->kind == VD_VALUE_WORD)
        snprintf(value, 64, "%.*s", (int)strcspn(row->words, ","), row->words);
    else if (row->kind >= VD_VALUE_NUMBER && row->kind <= VD_VALUE_DECIMAL)
        snprintf(value, 64, "%llu", (unsigned long long)row->most);
    else
        snprintf(value, 64, "%s", values[row->kind]);
    return value;
}

static bool is_strict(const struct vd_policy_row *row)
{
    return row->policies & 1u << VDISK_URI_STRICT;
}

static void every_row_is_allowed_in_every_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        const struct vd_policy_row *row = &vd_policy_rows[i];
        char value[64], key[128];

        good_value(value, row);
        for (size_t n = 0; n < SPELLINGS; n++) {
            spell(key, row->name, n);
            assert_allowed(VDISK_URI_GUARDED, key, value);
            if (is_strict(row))
                assert_allowed(VDISK_URI_STRICT, key, value);
            else
                assert_refused(VDISK_URI_STRICT, key, value);
        }
    }
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        const struct vd_policy_row *row = &vd_policy_rows[i];
        bool number = row->kind >= VD_VALUE_NUMBER && row->kind <= VD_VALUE_DECIMAL;

        assert_true(row->name[0] && row->name[strspn(row->name, "abcdefghijklmnopqrstuvwxyz_")] == '\0');
        assert_true(row->policies & 1u << VDISK_URI_GUARDED);
        assert_true(row->reason[0]);
        assert_int_equal(number, row->most > 0);
        assert_true(row->least <= row->most);
        assert_int_equal(row->kind == VD_VALUE_WORD, row->words != NULL);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(row->name, vd_policy_rows[j].name);
    }
}

static const char *const dangerous[] = {
    /* files */
    "log_file", "admin_socket", "admin_socket_mode", "run_dir", "crash_dir", "pid_file", "chdir", "heartbeat_file",
    "keyfile", "monmap", "client_trace", "log_to_file", "log_stderr_prefix", "mon_cluster_log_file", "mon_data",
    "osd_data", "rbd_persistent_cache_path", "rbd_persistent_cache_mode", "rbd_persistent_cache_size", "rbd_rwl_path",
    "rbd_rwl_enabled", "immutable_object_cache_path", "immutable_object_cache_sock", "gss_ktab_client_file",
    "cephadm_path", "fio_dir", "nss_db_path", "rgw_data", "no_config_file", "setuser", "setgroup", "setuser_match_path",
    /* code */
    "rbd_plugins", "plugin_dir", "erasure_code_dir", "osd_class_dir", "plugin_crypto_accelerator",
    "openssl_engine_opts", "crush_location_hook", "rbd_tracing", "rados_tracing", "event_tracing",
    "rbd_blkin_trace_all", "osdc_blkin_trace_all", "compressor_zlib_isal", "ms_type", "ms_public_type",
    "ms_cluster_type", "ms_dpdk_pmd", "qat_compressor_enabled",
    /* sockets and other hosts */
    "mon_host", "mon_host_override", "mon_dns_srv_name", "log_to_syslog", "err_to_syslog", "clog_to_syslog",
    "log_to_graylog", "log_graylog_host", "err_to_graylog", "clog_to_graylog_host", "public_addr", "public_network",
    "cluster_addr", "public_bind_addr", "ms_bind_before_connect", "rbd_parent_cache_enabled", "log_to_stderr",
    /* trust */
    "auth_client_required", "auth_supported", "auth_cluster_required", "auth_service_required", "auth_debug",
    "cephx_require_signatures", "cephx_sign_messages", "cephx_require_version", "ms_client_mode", "ms_mon_client_mode",
    "ms_crc_data", "ms_crc_header", "debug_auth", "debug_crypto",
    "enable_experimental_unrecoverable_data_corrupting_features", "fsid", "host", "crush_location",
    /* failing and hanging */
    "ms_die_on_bad_msg", "ms_die_on_bug", "ms_inject_socket_failures", "ms_inject_delay_type", "ms_blackhole_osd",
    "objecter_inject_no_watch_ping", "objecter_debug_inject_relock_delay", "objecter_retry_writes_after_first_reply",
    "objecter_tick_interval", "objecter_completion_locks_per_session", "debug_deliberately_leak_memory",
    "debug_asserts_on_shutdown", "lockdep", "heartbeat_inject_failure", "fatal_signal_handlers", "log_max_recent",
    "log_max_new", "ms_dispatch_throttle_bytes", "ms_async_op_threads", "ms_initial_backoff", "thp",
    "rbd_cache_block_writes_upfront", "rbd_non_blocking_aio", "rbd_disable_zero_copy_writes",
    /* losing data */
    "rbd_blocklist_on_break_lock", "rbd_blocklist_expire_seconds", "rbd_auto_exclusive_lock_until_manual_request",
    "rbd_invalidate_object_map_on_timeout", "rbd_validate_pool", "rbd_validate_names", "rbd_default_format",
    "rbd_move_to_trash_on_remove", "rbd_default_snapshot_quiesce_mode", "rbd_journal_pool",
    "rbd_journal_object_flush_age", "rbd_mirroring_resync_after_disconnect",
    "rbd_config_pool_override_update_timestamp",
    /* no options, but one never knows */
    "", "name", "cluster", "conf_file", "user", "debug", "debug_", "debug_all", "debug_none", "rbd", "rbd_", "rbd_*",
    "conf_rbd_cache", "global/log_file", "client.log_file", "keyrings"};

static void dangerous_options_are_refused_in_every_spelling(void **state)
{
    char key[128];

    (void)state;
    for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous; i++) {
        for (size_t n = 0; n < SPELLINGS; n++) {
            spell(key, dangerous[i], n);
            if (!key[0])
                continue;
            assert_refused(VDISK_URI_GUARDED, key, "1");
            assert_refused(VDISK_URI_GUARDED, key, TRUSTED_FILE);
            assert_refused(VDISK_URI_STRICT, key, "true");
            assert_allowed(VDISK_URI_ANY, key, "1");
        }
    }
}

/* What Ceph does not take for the name is not allowed for it either. */
static void other_spellings_are_refused(void **state)
{
    static const char *const keys[] = {"rbd-cache", "RBD_CACHE", "--rbd_cache", "rbd__cache", "rbd_cache_",
                                       "log-file",  "LOG_FILE",  "Keyring",     "ID",         "rbd\302\240cache"};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_refused(VDISK_URI_GUARDED, keys[i], "true");
}

/* Every value counts, not only the last one of a key, and not only that of the first key. */
static void every_option_is_checked(void **state)
{
    static const char *const texts[] = {
        "rbd:p/i:log_file=/x:rbd_cache=true",
        "rbd:p/i:rbd_cache=true:log_file=/x",
        "rbd:p/i:rbd_op_threads=99:rbd_op_threads=1",
        "rbd:p/i:rbd_op_threads=1:rbd op threads=99",
        "rbd:p/i:id=a,b:id=c",
        ("rbd:p/i:conf=/nowhere,/x:conf=" TRUSTED_FILE),
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vdisk_uri *uri = parse(texts[i]);

        assert_int_equal(vd_policy_check(VDISK_URI_GUARDED, uri, NULL), -EPERM);
        vdisk_uri_free(uri);
    }
}

static void uri_without_options_passes(void **state)
{
    struct vdisk_uri *uri = parse("rbd:p/n/i@s");

    (void)state;
    assert_int_equal(vd_policy_check(VDISK_URI_GUARDED, uri, NULL), 0);
    assert_int_equal(vd_policy_check(VDISK_URI_STRICT, uri, NULL), 0);
    assert_int_equal(vd_policy_check(VDISK_URI_ANY, uri, NULL), 0);
    vdisk_uri_free(uri);
}

static void unknown_policy_is_invalid(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(check(&err, 3, "rbd_cache", "true"), -EINVAL);
    assert_string_equal(err.message, "There is no URI policy 3.");
    assert_int_equal(check(&err, UINT32_MAX, "rbd_cache", "true"), -EINVAL);
}

static void messages_name_the_option_and_the_way_out(void **state)
{
    struct vdisk_error err;

    (void)state;
    check(&err, VDISK_URI_GUARDED, "log file", "/x");
    assert_string_equal(err.message, "The URI policy guarded refuses option \"log file\"; set it through "
                                     "vdisk_open_options.options (--option of the tools) or open with VDISK_URI_ANY "
                                     "(--uri-policy any).");
    check(&err, VDISK_URI_STRICT, "log_file", "/x");
    assert_non_null(strstr(err.message, "policy strict refuses option \"log_file\"; set"));
    assert_non_null(strstr(err.message, "VDISK_URI_ANY (--uri-policy any)."));
    check(&err, VDISK_URI_STRICT, "conf", "/x");
    assert_non_null(strstr(err.message, "vdisk_open_options.conf (--conf of the tools)"));
    assert_non_null(strstr(err.message, "VDISK_URI_GUARDED (--uri-policy guarded)."));
    check(&err, VDISK_URI_GUARDED, "rbd_op_threads", "17");
    assert_non_null(strstr(err.message, "option \"rbd_op_threads\", which must be a whole number from 1 to 16; set"));
    check(&err, VDISK_URI_GUARDED, "rbd_cache_size", "2G");
    assert_non_null(strstr(err.message, "which must be a size from 0 to 1G; set"));
    check(&err, VDISK_URI_STRICT, "rbd_cache_size", "2G");
    assert_non_null(strstr(err.message, "VDISK_URI_ANY (--uri-policy any)."));
    check(&err, VDISK_URI_GUARDED, "debug_ms", "21");
    assert_non_null(strstr(err.message, "which must be a level N or N/M, each from 0 to 20; set"));
}

static void messages_fit_and_never_show_values(void **state)
{
    struct vdisk_error err;
    char key[400];

    (void)state;
    memset(key, '\x01', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    check(&err, VDISK_URI_STRICT, key, "SECRET");
    assert_string_equal(err.message + strlen(err.message) - 2, ").");
    assert_null(strstr(err.message, "SECRET"));
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        assert_int_equal(check(&err, VDISK_URI_GUARDED, vd_policy_rows[i].name, "SECRET,$\x01"), -EPERM);
        assert_null(strstr(err.message, "SECRET"));
        assert_string_equal(err.message + strlen(err.message) - 2, ").");
    }
}

/* The file belongs to somebody who is not root; whether that is the caller decides. */
static void file_must_be_trusted_by_the_caller(void **state)
{
    char path[] = "/tmp/vdisk-policy-XXXXXX";
    int fd = mkstemp(path);
    uid_t self = geteuid(), owner = self == 0 ? 12345 : self;
    struct vdisk_error err;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fchown(fd, owner, (gid_t)-1), 0);
    if (self == 0) {
        assert_refused(VDISK_URI_GUARDED, "keyring", path);
        assert_int_equal(seteuid(owner), 0);
    }
    assert_allowed(VDISK_URI_GUARDED, "keyring", path);
    assert_allowed(VDISK_URI_GUARDED, "conf", path);
    assert_refused(VDISK_URI_STRICT, "conf", path);

    assert_int_equal(fchmod(fd, 0620), 0);
    assert_int_equal(check(&err, VDISK_URI_GUARDED, "conf", path), -EPERM);
    assert_string_equal(err.message, "The URI policy guarded refuses option \"conf\", since others than root and the "
                                     "caller could change its file or a folder above it; set it through "
                                     "vdisk_open_options.conf (--conf of the tools) or open with VDISK_URI_ANY "
                                     "(--uri-policy any).");
    assert_allowed(VDISK_URI_ANY, "conf", path);
    assert_int_equal(seteuid(self), 0);
    close(fd);
    unlink(path);
}

static void file_must_exist_and_be_one(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(check(&err, VDISK_URI_GUARDED, "keyring", "/etc/no-such-SECRET"), -ENOENT);
    assert_string_equal(err.message, "The file that option \"keyring\" of the URI names does not exist.");
    assert_int_equal(check(&err, VDISK_URI_GUARDED, "keyring", "/etc"), -EPERM);
    assert_non_null(strstr(err.message, "\"keyring\", since it names something other than a regular file; set"));
    assert_int_equal(check(&err, VDISK_URI_GUARDED, "keyring", TRUSTED_FILE "/SECRET"), -ENOTDIR);
    assert_string_equal(err.message,
                        "The file that option \"keyring\" of the URI names cannot be looked at: Not a directory.");
    assert_allowed(VDISK_URI_ANY, "keyring", "/etc/no-such-file");
}

static char *read_document(void)
{
    FILE *file = fopen(VDISK_DOC_DIR "/uri-policy.md", "r");
    char *text = calloc(1, 65536);

    assert_non_null(file);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 65535, file), 1000, 65534);
    fclose(file);
    return text;
}

static void document_shows_the_list(void **state)
{
    char *text = read_document();
    const char *list = strstr(text, "## The list"), *at;
    size_t rows = 0;

    (void)state;
    assert_non_null(list);
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        const struct vd_policy_row *row = &vd_policy_rows[i];
        char line[512], value[VD_POLICY_VALUE_MAX];

        snprintf(line, sizeof line, "\n| `%s` | %s | %s | %s |\n", row->name, vd_policy_value(value, row),
                 is_strict(row) ? "guarded, strict" : "guarded", row->reason);
        if (!strstr(list, line))
            fail_msg("docs/uri-policy.md lacks the row %s", line);
    }
    for (at = strstr(list, "\n| `"); at && at < strstr(list, "\n## What is not"); at = strstr(at + 1, "\n| `"))
        rows++;
    assert_int_equal(rows, vd_policy_row_count);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_allowed_in_every_spelling),
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(dangerous_options_are_refused_in_every_spelling),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(every_option_is_checked),
        cmocka_unit_test(uri_without_options_passes),
        cmocka_unit_test(unknown_policy_is_invalid),
        cmocka_unit_test(messages_name_the_option_and_the_way_out),
        cmocka_unit_test(messages_fit_and_never_show_values),
        cmocka_unit_test(file_must_be_trusted_by_the_caller),
        cmocka_unit_test(file_must_exist_and_be_one),
        cmocka_unit_test(document_shows_the_list),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
