/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a URI may set an allowed option to. What is refused here although Ceph would take it is a spelling that could
 * get round a bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "uri/policy_value.h"

struct value_case {
    const char *key;
    /* Each list ends with NULL. */
    const char *good[12];
    const char *bad[36];
};

static const struct value_case value_cases[] = {
    {"rbd_cache",
     {"true", "false", "TRUE", "False", "1", "0"},
     {"", "2", "-1", "yes", "true ", " true", "$host", "00"}},
    {"rbd_op_threads",
     {"1", "16", "016"},
     {"", "0", "17", "1K", "-1", "+1", " 1", "1 ", "0x1", "1e0", "1.0", "x", "1$", "99999999999999999999999999"}},
    {"rbd_cache_size",
     {"0", "1073741824", "1G", "1024M", "1Gi", "1GB", "1048576K", "5B"},
     {"",
      "1073741825",
      "2G",
      "1T",
      "1025M",
      "1P",
      "17E",
      "99999999999999999999",
      "18446744073709551615E",
      "16777216E",
      "-1",
      "+5",
      " 5",
      "5 ",
      "1k",
      "1KiB",
      "1BB",
      "K",
      "1i",
      "0x10",
      "1.5M",
      "$rbd_cache_max_dirty"}},
    {"rbd_qos_iops_limit", {"0", "9223372036854775807"}, {"-1", "9223372036854775808", "18446744073709551616", ""}},
    {"client_mount_timeout",
     {"1", "30", "600"},
     {"", "0", "601", "1M", "1K", "5m", "5s", "-5", "1min30s", "99999999999999"}},
    {"rados_osd_op_timeout", {"0", "86400"}, {"86401", "1d"}},
    {"rbd_cache_max_dirty_age",
     {"0", "0.5", "1", "3599.9", "3600", "3600.0"},
     {"", "3600.1", "3601", "inf", "nan", "-1", "1e3", "0x1p4", ".5", "1.", "1.2.3", " 1", "1K"}},
    {"objecter_timeout", {"1", "1.0", "3600"}, {"0", "0.9", "3600.5"}},
    {"debug_rbd",
     {"0", "20", "0/20", "20/20", "1/5"},
     {"", "21", "99", "1/21", "21/1", "-1", "1/", "/1", "1/2/3", "x", "5x", " 5", "5 ", "1/-1", "1 / 2",
      "18446744073709551617"}},
    {"rbd_cache_policy",
     {"writethrough", "writeback"},
     {"", "WriteBack", "write", "writeback,", ",", "writeback ", "writethrough, writeback", "$host", " writeback"}},
    {"rbd_default_features",
     {"61", "layering", "layering,exclusive-lock"},
     {"", "$host", "layering exclusive-lock", "/"}},
    {"id",
     {"admin", "libvirt", "a.b", "u@d", "a-b_c:d", "...", "M\xc3\xbcller"},
     {".", "..", "x,/tmp/mine", "x;y", "a/b", "../../tmp/x", "$name", "a=b", "a b", " a", "a\n", "a\tb", "a\x7f",
      "a\\b", "a\"b", "a'b"}},
    {"rbd_default_data_pool", {"data"}, {"", "a,b", "$pool"}},
    {"key", {"AQBsXGRnAAAAABAAnC7aG3Y2c0zFb1c1Xq0PGw==", "a"}, {"", "$keyring", "AQ==\n", "AQ ==", "a,b", "hunter-2"}},
    {"keyring",
     {"/etc/ceph/k", "/a:b~c#d%e@f+g-h_i.j", "/m\xc3\xbcller/k", "//", "/"},
     {"", "k", "./k", "~/k", " /k", "/k ", "/k,/x", "/k;/x", "/k=x", "/$name", "/k$", "/k\tx", "/k\n", "/k\x7f",
      "/\x01"}},
};

static const struct vd_policy_row *row_of(const char *name)
{
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        if (strcmp(vd_policy_rows[i].name, name) == 0)
            return &vd_policy_rows[i];
    }
    fail_msg("no row %s", name);
    return NULL;
}

static void assert_value(const struct vd_policy_row *row, const char *value, bool allowed)
{
    if (vd_policy_value_allowed(row, value) != allowed)
        fail_msg("%s=%s is %s", row->name, value, allowed ? "refused" : "allowed");
}

static void values_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof value_cases / sizeof *value_cases; i++) {
        const struct value_case *c = &value_cases[i];

        for (size_t j = 0; c->good[j]; j++)
            assert_value(row_of(c->key), c->good[j], true);
        for (size_t j = 0; c->bad[j]; j++)
            assert_value(row_of(c->key), c->bad[j], false);
    }
}

static void words_of_a_row_are_all_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        const char *word = vd_policy_rows[i].words;

        while (word && *word) {
            char value[64];
            size_t length = strcspn(word, ",");

            snprintf(value, sizeof value, "%.*s", (int)length, word);
            assert_value(&vd_policy_rows[i], value, true);
            word += length;
            word += strspn(word, ", ");
        }
    }
}

/* Bounds are inclusive, for every row that has any. */
static void bounds_are_inclusive(void **state)
{
    (void)state;
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        const struct vd_policy_row *row = &vd_policy_rows[i];
        char value[32];

        if (row->most == 0)
            continue;
        snprintf(value, sizeof value, "%llu", (unsigned long long)row->most);
        assert_value(row, value, true);
        snprintf(value, sizeof value, "%llu", (unsigned long long)row->most + 1);
        assert_value(row, value, false);
        snprintf(value, sizeof value, "%llu", (unsigned long long)row->least);
        assert_value(row, value, true);
        if (row->least == 0)
            continue;
        snprintf(value, sizeof value, "%llu", (unsigned long long)row->least - 1);
        assert_value(row, value, false);
    }
}

static void every_row_can_say_what_it_wants(void **state)
{
    (void)state;
    for (size_t i = 0; i < vd_policy_row_count; i++) {
        char text[VD_POLICY_VALUE_MAX] = "";

        assert_ptr_equal(vd_policy_value(text, &vd_policy_rows[i]), text);
        assert_in_range(strlen(text), 4, VD_POLICY_VALUE_MAX - 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(words_of_a_row_are_all_allowed),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(every_row_can_say_what_it_wants),
    };

    return cmocka_run_group_tests_name("policy_value", tests, NULL, NULL);
}
