/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several names in one message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/names.h"

static void an_empty_list_has_no_text(void **state)
{
    struct vd_names names = {0};

    (void)state;
    assert_string_equal(vd_names_finish(&names), "");
    assert_int_equal(names.count, 0);
}

static void names_are_quoted_and_in_their_order(void **state)
{
    struct vd_names names = {0};

    (void)state;
    vd_names_add(&names, "b");
    vd_names_add(&names, "a\n");
    vd_names_add(&names, "");
    assert_string_equal(vd_names_finish(&names), "\"b\", \"a\\x0a\", \"\"");
    assert_int_equal(names.count, 3);
}

static void what_does_not_fit_is_counted(void **state)
{
    struct vd_names names = {0};
    const char *text;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[32];

        snprintf(name, sizeof name, "name-%03d", i);
        vd_names_add(&names, name);
    }
    text = vd_names_finish(&names);
    assert_true(strlen(text) < sizeof names.text);
    assert_int_equal(names.count, 1000);
    assert_int_equal(strncmp(text, "\"name-000\", \"name-001\", ", 24), 0);
    /* 12 bytes each, and all of them are told or counted. */
    assert_int_equal(strlen(text), (1000 - names.left_out) * 12 - 2 + strlen(" and 984 more"));
    assert_non_null(strstr(text, " and "));
}

/* The first name is always told, the longest too; and none after one that was left out. */
static void names_are_not_skipped(void **state)
{
    struct vd_names names = {0};
    char longest[4096];

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    vd_names_add(&names, longest);
    assert_int_equal(names.left_out, 0);
    vd_names_add(&names, longest);
    vd_names_add(&names, "y");
    assert_int_equal(names.left_out, 2);
    assert_null(strchr(vd_names_finish(&names), 'y'));
    assert_non_null(strstr(vd_names_finish(&names), " and 2 more"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list_has_no_text),
        cmocka_unit_test(names_are_quoted_and_in_their_order),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(names_are_not_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
