/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration, and connecting. */
#include "agree.h"

#include <errno.h>
#include <stdlib.h>

static int set_up(void **state)
{
    set_up_cluster();
    assert_int_equal(rados_create(state, "me"), 0);
    return 0;
}

static int tear_down(void **state)
{
    rados_shutdown(*state);
    tear_down_cluster();
    return 0;
}

/* Settings, one after the other, and what the option is then. */
static const struct {
    const char *name;
    const char *value;
    int result;
    const char *told;
} settings[] = {
    {"rbd_cache", "1", 0, "true"},
    {"rbd_cache", "FALSE", 0, "false"},
    {"rbd_cache", "2", 0, "true"},
    {"rbd_cache", "0", 0, "false"},
    {"rbd_cache", "True", 0, "true"},
    {"rbd_cache", "yes", -EINVAL, "true"},
    {"rbd_cache", "off", -EINVAL, "true"},
    {"rbd_cache", "", -EINVAL, "true"},
    {"rbd_cache_size", "12345", 0, "12345"},
    {"rbd_cache_size", "32K", 0, "32768"},
    {"rbd_cache_size", "1KB", 0, "1024"},
    {"rbd_cache_size", "2Mi", 0, "2097152"},
    {"rbd_cache_size", "1.5", -EINVAL, "2097152"},
    {"rbd_cache_size", "1 K", -EINVAL, "2097152"},
    {"rbd_cache_size", "-1", -EINVAL, "2097152"},
    {"rbd_cache_size", "x", -EINVAL, "2097152"},
    {"rbd_cache_size", "", -EINVAL, "2097152"},
    {"rbd_concurrent_management_ops", "1K", 0, "1000"},
    {"rbd_concurrent_management_ops", "-3", -EINVAL, "1000"},
    {"rbd_concurrent_management_ops", "", -EINVAL, "1000"},
    {"client_mount_timeout", "5", 0, "5"},
    {"client_mount_timeout", "10s", 0, "10"},
    {"client_mount_timeout", "2m", 0, "120"},
    {"client_mount_timeout", "2min", 0, "120"},
    {"client_mount_timeout", "1 h", 0, "3600"},
    {"client_mount_timeout", "2x", -EINVAL, "3600"},
    {"client_mount_timeout", "5.5", -EINVAL, "3600"},
    {"client_mount_timeout", "-1", -EINVAL, "3600"},
    {"client_mount_timeout", "abc", -EINVAL, "3600"},
    {"client_mount_timeout", "", 0, "0"},
    {"objecter_timeout", "1e2", 0, "100.000000"},
    {"objecter_timeout", "x", -EINVAL, "100.000000"},
    {"objecter_timeout", "", -EINVAL, "100.000000"},
    {"debug_rbd", "20", 0, "20/20"},
    {"debug_rbd", "5/7", 0, "5/7"},
    {"debug_rbd", "5/", 0, "5/5"},
    {"debug_rbd", "abc", -EINVAL, "5/5"},
    {"debug_rbd", "", -EINVAL, "5/5"},
    {"debug_rbd", "-1", -ERANGE, "5/5"},
    {"debug_rbd", "0/500", -ERANGE, "5/5"},
    {"client_mount_uid", "-3", 0, "-3"},
    {"mon_host", "127.0.0.1", 0, "127.0.0.1"},
    {"keyring", "", 0, ""},
    {"keyring", "/a $id $name $type", 0, "/a me client.me client"},
    {" rbd \t cache ", "false", 0, "false"},
    {"rbd_cache\n", "true", 0, "true"},
};

static void settings_are_taken_and_told(void **state)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char told[64] = "";

        if (rados_conf_set(*state, settings[i].name, settings[i].value) != settings[i].result)
            fail_msg("%s=%s", settings[i].name, settings[i].value);
        assert_int_equal(rados_conf_get(*state, settings[i].name, told, sizeof told), 0);
        assert_string_equal(told, settings[i].told);
    }
}

static void unknown_options_are_not_found(void **state)
{
    static const char *const names[] = {"nonsense",   "rbd_nonsense", "debug_nonsense", "rbd-cache",
                                        "rbd__cache", "RBD_CACHE",    "rbd_cache_",     "client mount-timeout",
                                        "id",         "conf",         "name",           "cluster"};
    char value[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(rados_conf_set(*state, names[i], "1"), -ENOENT);
        assert_int_equal(rados_conf_get(*state, names[i], value, sizeof value), -ENOENT);
    }
    assert_int_equal(rados_conf_set(*state, "", "1"), -EINVAL);
    assert_int_equal(rados_conf_get(*state, "", value, sizeof value), -EINVAL);
}

static void defaults_are_the_same(void **state)
{
    static const char *const defaults[][2] = {
        {"client_mount_timeout", "300"},
        {"key", ""},
        {"keyfile", ""},
        {"rbd_cache", "true"},
        {"rbd_cache_policy", "writearound"},
        {"rbd_disable_zero_copy_writes", "true"},
        {"rbd_default_order", "22"},
        {"rbd_default_features", "61"},
        {"rados_osd_op_timeout", "0"},
        {"debug_rbd", "0/5"},
        {"keyring", "/etc/ceph/.client.me.keyring,/etc/ceph/.keyring,/etc/ceph/keyring,/etc/ceph/keyring.bin,"},
    };
    char value[256];

    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        assert_int_equal(rados_conf_get(*state, defaults[i][0], value, sizeof value), 0);
        assert_string_equal(value, defaults[i][1]);
    }
}

static const char *value_of(rados_t handle, const char *name)
{
    static char value[64];

    assert_int_equal(rados_conf_get(handle, name, value, sizeof value), 0);
    return value;
}

static int set_default(rados_t handle, const char *argument)
{
    const char *arguments[] = {"me", argument};

    return rados_conf_parse_argv(handle, 2, arguments);
}

static void defaults_can_be_replaced_and_outranked(void **state)
{
    assert_int_equal(rados_conf_set(*state, "rbd_cache_size", "1M"), 0);
    assert_int_equal(set_default(*state, "--default-rbd_cache_size=2M"), 0);
    assert_string_equal(value_of(*state, "rbd_cache_size"), "1048576");
    assert_int_equal(set_default(*state, "--default-client_mount_timeout=7"), 0);
    assert_string_equal(value_of(*state, "client_mount_timeout"), "7");
    assert_int_equal(rados_conf_set(*state, "client_mount_timeout", "300"), 0);
    assert_string_equal(value_of(*state, "client_mount_timeout"), "300");
    assert_int_equal(set_default(*state, "--default-nonsense=1"), 0);
    assert_int_equal(set_default(*state, "--default-client_mount_timeout=x"), -EINVAL);
    assert_string_equal(value_of(*state, "client_mount_timeout"), "300");
}

static void short_buffers_are_noticed(void **state)
{
    char value[4];

    assert_int_equal(rados_conf_get(*state, "client_mount_timeout", value, 3), -ENAMETOOLONG);
    assert_int_equal(rados_conf_get(*state, "client_mount_timeout", value, 4), 0);
}

static void missing_files_are_not_found(void **state)
{
    assert_int_equal(rados_conf_read_file(*state, "/no/such/file"), -ENOENT);
    assert_int_equal(rados_conf_read_file(*state, ""), -ENOENT);
}

static void unconnected_handles_have_no_pools(void **state)
{
    rados_ioctx_t opened = &opened;

    assert_int_equal(rados_get_instance_id(*state), 0);
    assert_int_equal(rados_ioctx_create(*state, POOL, &opened), -ENOTCONN);
    assert_ptr_equal(opened, &opened);
}

static void handles_connect_once(void **state)
{
    rados_t connected = connect_to_cluster();
    char *address;

    (void)state;
    assert_int_equal(rados_connect(connected), -EISCONN);
    assert_int_not_equal(rados_get_instance_id(connected), 0);
    assert_int_equal(rados_wait_for_latest_osdmap(connected), 0);
    assert_int_equal(rados_conf_set(connected, "rbd_cache", "false"), 0);
    assert_int_equal(rados_getaddrs(connected, &address), 0);
    assert_string_not_equal(address, "");
    free(address);
    rados_shutdown(connected);
}

int agree_on_config(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(settings_are_taken_and_told),
        TEST(unknown_options_are_not_found),
        TEST(defaults_are_the_same),
        TEST(defaults_can_be_replaced_and_outranked),
        TEST(short_buffers_are_noticed),
        TEST(missing_files_are_not_found),
        TEST(unconnected_handles_have_no_pools),
        TEST(handles_connect_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
