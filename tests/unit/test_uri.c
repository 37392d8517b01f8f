/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * URIs taken apart and put together: the grammar, its errors, the options.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "uri_helpers.h"

enum column { URI, RESULT, POOL, NAMESPACE, IMAGE, SNAPSHOT, OPTIONS, COLUMNS };

/* The options as the table writes them: key=>value | key=>value */
static void assert_options(const struct vdisk_uri *uri, const char *expected)
{
    char joined[512] = "";
    const char *key, *value;

    for (size_t i = 0; vdisk_uri_option(&key, &value, uri, i) == 0; i++) {
        size_t used = strlen(joined);

        snprintf(joined + used, sizeof joined - used, "%s%s=>%s", i ? " | " : "", key, value);
    }
    assert_string_equal(joined, expected);
}

static void assert_accepted(char *const columns[COLUMNS])
{
    struct vdisk_uri *uri = parse(columns[URI]);

    assert_string_equal(vdisk_uri_pool(uri), columns[POOL]);
    assert_string_equal(vdisk_uri_namespace(uri), columns[NAMESPACE]);
    assert_string_equal(vdisk_uri_image(uri), columns[IMAGE]);
    assert_same_string(vdisk_uri_snapshot(uri), strcmp(columns[SNAPSHOT], "-") == 0 ? NULL : columns[SNAPSHOT]);
    assert_options(uri, columns[OPTIONS]);
    assert_round_trip(uri);
    vdisk_uri_free(uri);
}

static void assert_refused(const char *text)
{
    struct vdisk_uri *uri = (struct vdisk_uri *)8;
    struct vdisk_error err = {0};

    if (vdisk_uri_parse(&uri, text, &err) != -EINVAL)
        fail_msg("%s is not refused", text);
    assert_null(uri);
    assert_int_equal(err.code, -EINVAL);
    if (!strstr(err.message, "at byte "))
        fail_msg("%s: %s", text, err.message);
}

static void table_of_cases(void **state)
{
    FILE *file = fopen(VDISK_TEST_DATA "/uri-cases.tsv", "r");
    char line[1024];
    int rows = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *columns[COLUMNS], *rest = line;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        for (int i = 0; i < COLUMNS; i++) {
            columns[i] = strsep(&rest, "\t");
            assert_non_null(columns[i]);
        }
        if (strcmp(columns[RESULT], "ok") == 0)
            assert_accepted(columns);
        else
            assert_refused(columns[URI]);
        rows++;
    }
    fclose(file);
    assert_in_range(rows, 44, 1000);
}

struct refusal {
    const char *text;
    const char *message;
};

static void errors_name_part_and_offset(void **state)
{
    static const struct refusal cases[] = {
        {"", "The prefix \"rbd:\" is missing at byte 0 of the URI."},
        {"rbd", "The prefix \"rbd:\" is missing at byte 0 of the URI."},
        {"RBD:p/i", "The prefix \"rbd:\" is missing at byte 0 of the URI."},
        {" rbd:p/i", "The prefix \"rbd:\" is missing at byte 0 of the URI."},
        {"rbd\\:p/i", "The prefix \"rbd:\" is missing at byte 0 of the URI."},
        {"rbd:", "The pool is empty at byte 4 of the URI."},
        {"rbd:/i", "The pool is empty at byte 4 of the URI."},
        {"rbd::a=b", "The pool is empty at byte 4 of the URI."},
        {"rbd:@s", "The pool is empty at byte 4 of the URI."},
        {"rbd:pool", "The image is missing at byte 8 of the URI, after the pool \"pool\"; write rbd:POOL/IMAGE."},
        {"rbd:p\\/i", "The image is missing at byte 8 of the URI, after the pool \"p/i\"; write rbd:POOL/IMAGE."},
        {"rbd:p@s", "The image is missing at byte 5 of the URI, after the pool \"p\"; write rbd:POOL/IMAGE."},
        {"rbd:p:a=b", "The image is missing at byte 5 of the URI, after the pool \"p\"; write rbd:POOL/IMAGE."},
        {"rbd:p/", "The image is empty at byte 6 of the URI."},
        {"rbd:p/@s", "The image is empty at byte 6 of the URI."},
        {"rbd:p/n/", "The image is empty at byte 8 of the URI."},
        {"rbd:p//", "The image is empty at byte 7 of the URI."},
        {"rbd:p/a/b/c", "The image has an unescaped \"/\" at byte 9 of the URI, after a pool and a namespace; in "
                        "names write \"\\/\" for \"/\"."},
        {"rbd:p/i@", "The snapshot is empty at byte 8 of the URI."},
        {"rbd:p/i@:a=b", "The snapshot is empty at byte 8 of the URI."},
        {"rbd:p/i@s@t", "The snapshot has an unescaped \"@\" at byte 9 of the URI; in names write \"\\@\" for \"@\" "
                        "and \"\\/\" for \"/\"."},
        {"rbd:p@x/i", "The snapshot has an unescaped \"/\" at byte 7 of the URI; in names write \"\\@\" for \"@\" "
                      "and \"\\/\" for \"/\"."},
        {"rbd:p/i:", "The option after the \":\" is empty at byte 8 of the URI."},
        {"rbd:p/i:a=b:", "The option after the \":\" is empty at byte 12 of the URI."},
        {"rbd:p/i::a=b", "The option after the \":\" is empty at byte 8 of the URI."},
        {"rbd:p/i:=b", "The key of the option is empty at byte 8 of the URI."},
        {"rbd:p/i:a", "The option at byte 8 of the URI has no \"=\"; in values write \"\\:\" for \":\"."},
        {"rbd:p/i:a\\=b", "The option at byte 8 of the URI has no \"=\"; in values write \"\\:\" for \":\"."},
        {"rbd:p/i:mon_host=h:6789",
         "The option at byte 19 of the URI has no \"=\"; in values write \"\\:\" for \":\"."},
        {"rbd:p/i:id=", "The value of option \"id\" is empty at byte 11 of the URI."},
        {"rbd:p/i:conf=:id=x", "The value of option \"conf\" is empty at byte 13 of the URI."},
        {"rbd:p/i:id=x:i\\d=", "The value of option \"id\" is empty at byte 17 of the URI."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdisk_uri *uri = (struct vdisk_uri *)8;
        struct vdisk_error err = {0};

        assert_int_equal(vdisk_uri_parse(&uri, cases[i].text, &err), -EINVAL);
        assert_null(uri);
        assert_int_equal(err.code, -EINVAL);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void dangling_backslash_is_found_in_every_part(void **state)
{
    static const struct refusal cases[] = {
        {"rbd:p\\", "The pool ends with a backslash at byte 5 of"},
        {"rbd:p/i\\", "The image ends with a backslash at byte 7 of"},
        {"rbd:p/i\\\\\\", "The image ends with a backslash at byte 9 of"},
        {"rbd:p/n/i\\", "The image ends with a backslash at byte 9 of"},
        {"rbd:p/i@s\\", "The snapshot ends with a backslash at byte 9 of"},
        {"rbd:p/i:k=v\\", "The value of the option ends with a backslash at byte 11 of"},
        {"rbd:p/i:k=\\", "The value of the option ends with a backslash at byte 10 of"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vdisk_uri *uri;
        struct vdisk_error err;

        assert_int_equal(vdisk_uri_parse(&uri, cases[i].text, &err), -EINVAL);
        assert_memory_equal(err.message, cases[i].message, strlen(cases[i].message));
    }
}

/* Whatever is wrong behind a secret, the secret does not get into the message; nor what may be the rest of one. */
static void errors_never_show_values(void **state)
{
    static const char *const texts[] = {
        "rbd:p/i:key=SECRET:",  "rbd:p/i:key=SECRET:SECRET", "rbd:p/i:key=SECRET:=SECRET",
        "rbd:p/i:key=SECRET\\", "rbd:p/i:id=:key=SECRET",    "rbd:p/i:key=SECRET:id=",
        "rbd:p/i@:key=SECRET",  "rbd:p/a/b/c:key=SECRET",    "rbd:p/i:SECRET:key=SECRET"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct vdisk_uri *uri;
        struct vdisk_error err;

        assert_int_equal(vdisk_uri_parse(&uri, texts[i], &err), -EINVAL);
        assert_null(strstr(err.message, "SECRET"));
    }
}

static void names_in_errors_are_quoted(void **state)
{
    struct vdisk_uri *uri;
    struct vdisk_error err;

    (void)state;
    assert_int_equal(vdisk_uri_parse(&uri, "rbd:a\nb\xff", &err), -EINVAL);
    assert_non_null(strstr(err.message, "\"a\\x0ab\\xff\""));
}

static void null_arguments_are_refused(void **state)
{
    struct vdisk_uri *uri = (struct vdisk_uri *)8;
    struct vdisk_error err;
    const char *key = "k", *value = "v";
    char *text = (char *)8;

    (void)state;
    assert_int_equal(vdisk_uri_parse(NULL, "rbd:p/i", &err), -EINVAL);
    assert_int_equal(err.code, -EINVAL);
    assert_int_equal(vdisk_uri_parse(&uri, NULL, &err), -EINVAL);
    assert_null(uri);
    assert_true(err.message[0]);
    assert_int_equal(vdisk_uri_new(NULL, "p", NULL, "i", NULL, &err), -EINVAL);
    assert_int_equal(vdisk_uri_add_option(NULL, "k", "v", &err), -EINVAL);
    assert_int_equal(vdisk_uri_parse(&uri, "x", NULL), -EINVAL);

    assert_int_equal(vdisk_uri_format(&text, NULL), -EINVAL);
    assert_null(text);
    assert_int_equal(vdisk_uri_describe(NULL, NULL), -EINVAL);
    assert_null(vdisk_uri_pool(NULL));
    assert_null(vdisk_uri_namespace(NULL));
    assert_null(vdisk_uri_image(NULL));
    assert_null(vdisk_uri_snapshot(NULL));
    assert_int_equal(vdisk_uri_option_count(NULL), 0);
    assert_int_equal(vdisk_uri_option(&key, &value, NULL, 0), -ERANGE);
    assert_null(key);
    assert_null(value);
    vdisk_uri_free(NULL);
}

static void new_refuses_empty_parts(void **state)
{
    static const char *const parts[][3] = {
        {NULL, "i", NULL}, {"", "i", NULL}, {"p", NULL, NULL}, {"p", "", NULL}, {"p", "i", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct vdisk_uri *uri = (struct vdisk_uri *)8;
        struct vdisk_error err = {0};

        assert_int_equal(vdisk_uri_new(&uri, parts[i][0], "n", parts[i][1], parts[i][2], &err), -EINVAL);
        assert_null(uri);
        assert_int_equal(err.code, -EINVAL);
        assert_true(err.message[0]);
    }
}

static void add_option_refuses_and_leaves_unchanged(void **state)
{
    static const char *const options[][2] = {
        {NULL, "v"}, {"", "v"}, {"k", NULL}, {"id", ""}, {"conf", ""},
    };
    struct vdisk_uri *uri = make("p", NULL, "i", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct vdisk_error err = {0};

        assert_int_equal(vdisk_uri_add_option(uri, options[i][0], options[i][1], &err), -EINVAL);
        assert_int_equal(err.code, -EINVAL);
        assert_true(err.message[0]);
        assert_int_equal(vdisk_uri_option_count(uri), 0);
    }
    vdisk_uri_free(uri);
}

static void options_stay_where_they_are(void **state)
{
    struct vdisk_uri *uri = make("p", "", "i", "s");
    const char *key, *value, *later_key, *later_value;

    (void)state;
    add(uri, "first", "1");
    assert_int_equal(vdisk_uri_option(&key, &value, uri, 0), 0);
    for (int i = 0; i < 1000; i++)
        add(uri, "k", "");
    assert_int_equal(vdisk_uri_option_count(uri), 1001);
    assert_int_equal(vdisk_uri_option(&later_key, &later_value, uri, 0), 0);
    assert_ptr_equal(key, later_key);
    assert_ptr_equal(value, later_value);
    assert_string_equal(key, "first");
    assert_int_equal(vdisk_uri_option(&key, &value, uri, 1001), -ERANGE);
    assert_null(key);
    assert_null(value);
    vdisk_uri_free(uri);
}

static void last_one_wins(void **state)
{
    struct vdisk_uri *uri = parse("rbd:p/i:id=a:conf=/1:id=b: id=c:ID=d");

    (void)state;
    assert_string_equal(vd_uri_last(uri, "id"), "b");
    assert_string_equal(vd_uri_last(uri, "conf"), "/1");
    assert_null(vd_uri_last(uri, "keyring"));
    assert_true(vd_uri_is_own_key("id"));
    assert_true(vd_uri_is_own_key("conf"));
    assert_false(vd_uri_is_own_key(" id"));
    vdisk_uri_free(uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_cases),
        cmocka_unit_test(errors_name_part_and_offset),
        cmocka_unit_test(dangling_backslash_is_found_in_every_part),
        cmocka_unit_test(errors_never_show_values),
        cmocka_unit_test(names_in_errors_are_quoted),
        cmocka_unit_test(null_arguments_are_refused),
        cmocka_unit_test(new_refuses_empty_parts),
        cmocka_unit_test(add_option_refuses_and_leaves_unchanged),
        cmocka_unit_test(options_stay_where_they_are),
        cmocka_unit_test(last_one_wins),
    };

    return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
