/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests/fake/fake.h promises about configuration and connecting. */
#include "fake_helpers.h"

#include <errno.h>

static int set_up(void **state)
{
    fake_reset();
    assert_int_equal(rados_create(state, "me"), 0);
    return 0;
}

static int tear_down(void **state)
{
    rados_shutdown(*state);
    fake_reset();
    return 0;
}

static void set_and_get(rados_t cluster, const char *name, const char *value, const char *expected)
{
    char got[64] = "";

    assert_int_equal(rados_conf_set(cluster, name, value), 0);
    assert_int_equal(rados_conf_get(cluster, name, got, sizeof got), 0);
    assert_string_equal(got, expected);
}

static void values_are_told_in_cephs_form(void **state)
{
    set_and_get(*state, "rbd_cache", "1", "true");
    set_and_get(*state, "rbd_cache", "FALSE", "false");
    set_and_get(*state, "rbd_cache", "0", "false");
    set_and_get(*state, "rbd_cache_size", "32K", "32768");
    set_and_get(*state, "rbd_cache_size", "1KB", "1024");
    set_and_get(*state, "rbd_cache_size", "1Ki", "1024");
    set_and_get(*state, "rbd_concurrent_management_ops", "1K", "1000");
    set_and_get(*state, "client_mount_timeout", "5", "5");
    set_and_get(*state, "client_mount_timeout", "2m", "120");
    set_and_get(*state, "client_mount_timeout", "1 h", "3600");
    set_and_get(*state, "client_mount_timeout", "", "0");
    set_and_get(*state, "objecter_timeout", "1e2", "100.000000");
    set_and_get(*state, "debug_rbd", "20", "20/20");
    set_and_get(*state, "debug_rbd", "5/7", "5/7");
    set_and_get(*state, "client_mount_uid", "-3", "-3");
    set_and_get(*state, "mon_host", "1.2.3.4, 5.6.7.8", "1.2.3.4, 5.6.7.8");
}

static void bad_values_are_refused(void **state)
{
    assert_int_equal(rados_conf_set(*state, "rbd_cache", "maybe"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "rbd_cache", ""), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "rbd_cache_size", "-1"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "rbd_cache_size", "1.5"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "client_mount_timeout", "5.5"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "client_mount_timeout", "2x"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "objecter_timeout", "x"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "debug_rbd", "abc"), -EINVAL);
    assert_int_equal(rados_conf_set(*state, "debug_rbd", "0/500"), -ERANGE);
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
}

static void unknown_options_are_not_found(void **state)
{
    char value[64];

    assert_int_equal(rados_conf_set(*state, "rbd_nonsense", "1"), -ENOENT);
    assert_int_equal(rados_conf_get(*state, "rbd_nonsense", value, sizeof value), -ENOENT);
    assert_int_equal(rados_conf_set(*state, "", "1"), -EINVAL);
    fake_conf_add_option("rbd_nonsense", "dada");
    assert_string_equal(fake_conf_get("rbd_nonsense"), "dada");
    set_and_get(*state, "rbd_nonsense", "1", "1");
}

static void names_are_normalized(void **state)
{
    assert_int_equal(rados_conf_set(*state, " rbd \t cache ", "false"), 0);
    assert_string_equal(fake_conf_get("rbd_cache"), "false");
    assert_int_equal(rados_conf_set(*state, "rbd-cache", "false"), -ENOENT);
    assert_int_equal(rados_conf_set(*state, "rbd__cache", "false"), -ENOENT);
    assert_int_equal(rados_conf_set(*state, "RBD_CACHE", "false"), -ENOENT);
}

static void short_buffers_are_noticed(void **state)
{
    char value[4];

    assert_int_equal(rados_conf_get(*state, "client_mount_timeout", value, 3), -ENAMETOOLONG);
    assert_int_equal(rados_conf_get(*state, "client_mount_timeout", value, 4), 0);
    assert_string_equal(value, "300");
}

static void search_path_leads_to_a_key(void **state)
{
    assert_string_equal(fake_conf_get("key"), "");
    assert_int_equal(rados_conf_read_file(*state, NULL), 0);
    assert_string_not_equal(fake_conf_get("key"), "");
}

static void files_are_as_scripted(void **state)
{
    assert_int_equal(rados_conf_read_file(*state, "/c"), -ENOENT);
    fake_conf_file("/c", -EACCES);
    assert_int_equal(rados_conf_read_file(*state, "/c"), -EACCES);
    fake_conf_file(NULL, -ENOENT);
    assert_int_equal(rados_conf_read_file(*state, NULL), -ENOENT);
    fake_conf_file("/c", 0);
    assert_int_equal(rados_conf_read_file(*state, "/c"), 0);
}

static void files_set_options(void **state)
{
    fake_conf_file_text("/etc/x.conf", "# comment\n[global]\n  rbd cache = false\nmon_host= a b\n"
                                       "nonsense = 1\nrbd_cache_size = x\n");
    assert_int_equal(rados_conf_read_file(*state, "/etc/x.conf"), 0);
    assert_string_equal(fake_conf_get("rbd_cache"), "false");
    assert_string_equal(fake_conf_get("mon_host"), "a b");
    assert_string_equal(fake_conf_get("rbd_cache_size"), "33554432");
}

static void metavariables_are_replaced(void **state)
{
    fake_conf_file("/etc/x.conf", 0);
    assert_int_equal(rados_conf_read_file(*state, "/etc/x.conf"), 0);
    assert_string_equal(fake_conf_get("keyring"), "/etc/ceph/x.client.me.keyring,/etc/ceph/x.keyring,"
                                                  "/etc/ceph/keyring,/etc/ceph/keyring.bin,");
    assert_int_equal(rados_conf_set(*state, "log_file", "$type-$id-$name-$other"), 0);
    assert_string_equal(fake_conf_get("log_file"), "client-me-client.me-$other");
}

static void log_tells_what_happened(void **state)
{
    rados_t other;

    rados_conf_read_file(*state, NULL);
    rados_conf_read_file(*state, "/missing");
    rados_conf_set(*state, "nonsense", "1");
    rados_conf_set(*state, "key", "k");
    rados_connect(*state);
    assert_int_equal(rados_create(&other, NULL), 0);
    rados_shutdown(other);
    assert_string_equal(fake_conf_log(), "create id=me\nfile\nfile /missing\nset nonsense=1\nset key=k\nconnect\n"
                                         "create\nshutdown\n");
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
}

static void only_the_connected_have_a_pool(void **state)
{
    rados_ioctx_t pool;

    fake_create_pool("p");
    assert_int_equal(rados_get_instance_id(*state), 0);
    assert_int_equal(rados_ioctx_create(*state, "p", &pool), -ENOTCONN);
    assert_int_equal(rados_connect(*state), 0);
    assert_int_equal(rados_connect(*state), -EISCONN);
    assert_int_not_equal(rados_get_instance_id(*state), 0);
    assert_int_equal(rados_ioctx_create(*state, "q", &pool), -ENOENT);
    assert_int_equal(rados_ioctx_create(*state, "p", &pool), 0);
    assert_true(rados_ioctx_get_id(pool) > 0);
    rados_ioctx_destroy(pool);
}

static void connecting_can_fail(void **state)
{
    rados_t other;

    fake_fail_call("rados_connect", 1, EACCES);
    assert_int_equal(rados_connect(*state), -EACCES);
    assert_int_equal(rados_create(&other, "me"), 0);
    assert_int_equal(rados_connect(other), 0);
    rados_shutdown(other);
}

static void one_client_can_be_blocklisted(void **state)
{
    struct opened other;
    rados_ioctx_t pool;
    char *address;
    bool exists;

    fake_create_pool("p");
    connect_to(&other, "p");
    assert_int_equal(rados_connect(*state), 0);
    assert_int_equal(rados_ioctx_create(*state, "p", &pool), 0);
    assert_int_equal(rados_getaddrs(*state, &address), 0);
    assert_int_equal(rados_blocklist_add(other.cluster, address, 60), 0);
    assert_int_equal(rados_wait_for_latest_osdmap(other.cluster), 0);
    free(address);
    assert_int_equal(rbd_namespace_exists(pool, "n", &exists), -ESHUTDOWN);
    assert_int_equal(rbd_namespace_exists(other.pool, "n", &exists), 0);
    rados_ioctx_destroy(pool);
    disconnect(&other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_told_in_cephs_form),  TEST(bad_values_are_refused),
        TEST(unknown_options_are_not_found),  TEST(names_are_normalized),
        TEST(short_buffers_are_noticed),      TEST(search_path_leads_to_a_key),
        TEST(files_are_as_scripted),          TEST(files_set_options),
        TEST(metavariables_are_replaced),     TEST(log_tells_what_happened),
        TEST(only_the_connected_have_a_pool), TEST(connecting_can_fail),
        TEST(one_client_can_be_blocklisted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
