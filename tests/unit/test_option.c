/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uri/option.h"

/* What rados_conf_set of Ceph 16.2.15 takes for rbd_cache. */
static void spellings_of_ceph_are_equal(void **state)
{
    static const char *const keys[] = {
        "rbd_cache",  "rbd cache",  "rbd  cache",          "rbd\tcache",  "rbd \t\n\v\f\rcache",
        " rbd_cache", "rbd_cache ", "\t\n rbd cache \r\n", "rbd\ncache ", "\v\frbd_cache\v\f",
    };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_true(vd_option_key_equal(keys[i], "rbd_cache"));
}

/* What it refuses as unknown. */
static void other_spellings_are_not(void **state)
{
    static const char *const keys[] = {
        "",
        " ",
        "rbd",
        "rbd_",
        "rbd_cach",
        "rbd_cache_size",
        "rbd_cache_",
        "_rbd_cache",
        "rbd__cache",
        "rbd_ cache",
        "rbd -cache",
        "rbd-cache",
        "-rbd_cache",
        "--rbd_cache",
        "RBD_CACHE",
        "Rbd_Cache",
        "rbd.cache",
        "rbdcache",
        "rbd_cache x",
        "x rbd_cache",
        "rbd\302\240cache",
        "rbd\240cache",
        "rbd_cache\x01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_false(vd_option_key_equal(keys[i], "rbd_cache"));
}

static void names_without_underscore(void **state)
{
    (void)state;
    assert_true(vd_option_key_equal(" key ", "key"));
    assert_false(vd_option_key_equal("key file", "key"));
    assert_false(vd_option_key_equal("k ey", "key"));
    assert_true(vd_option_key_equal("", ""));
    assert_true(vd_option_key_equal("  ", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_of_ceph_are_equal),
        cmocka_unit_test(other_spellings_are_not),
        cmocka_unit_test(names_without_underscore),
    };

    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
