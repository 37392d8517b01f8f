/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * URIs written as text: how long they may get, that they come back when parsed, what people get to see.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uri_helpers.h"

#define ELLIPSIS "\xe2\x80\xa6"

/* Text of `length` bytes: `head`, then as many "x" as it takes. */
static char *filled(const char *head, size_t length)
{
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, head, strlen(head));
    text[length] = '\0';
    return text;
}

static void parse_has_a_limit(void **state)
{
    static const char *const heads[] = {"rbd:p/", "rbd:p/i@", "rbd:p/i:k=", "rbd:p/n/"};

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char *text = filled(heads[i], VDISK_URI_MAX);
        struct vdisk_uri *uri = parse(text);
        struct vdisk_error err;

        assert_round_trip(uri);
        vdisk_uri_free(uri);
        free(text);

        text = filled(heads[i], VDISK_URI_MAX + 1);
        assert_int_equal(vdisk_uri_parse(&uri, text, &err), -ENAMETOOLONG);
        assert_null(uri);
        assert_string_equal(err.message, "The URI is longer than 65535 bytes.");
        free(text);
    }
}

/* What counts is the text as it is, also when it could be shorter. */
static void needless_escapes_count(void **state)
{
    char *text = filled("rbd:p/", VDISK_URI_MAX + 1);
    struct vdisk_uri *uri;

    (void)state;
    text[100] = '\\';
    assert_int_equal(vdisk_uri_parse(&uri, text, NULL), -ENAMETOOLONG);
    assert_null(uri);
    text[VDISK_URI_MAX] = '\0';
    uri = parse(text);
    assert_int_equal(strlen(vdisk_uri_image(uri)), VDISK_URI_MAX - 7);
    vdisk_uri_free(uri);
    free(text);
}

static void new_has_the_same_limit(void **state)
{
    size_t room = VDISK_URI_MAX - strlen("rbd:p/");
    char *image = filled("", room);
    struct vdisk_uri *uri = make("p", NULL, image, NULL);
    struct vdisk_error err;

    (void)state;
    assert_round_trip(uri);
    assert_int_equal(vdisk_uri_add_option(uri, "k", "", &err), -ENAMETOOLONG);
    assert_int_equal(err.code, -ENAMETOOLONG);
    assert_int_equal(vdisk_uri_option_count(uri), 0);
    vdisk_uri_free(uri);

    /* One byte that takes two in the text. */
    image[7] = '/';
    assert_int_equal(vdisk_uri_new(&uri, "p", NULL, image, NULL, &err), -ENAMETOOLONG);
    assert_null(uri);
    free(image);
}

static void add_option_has_the_same_limit(void **state)
{
    size_t room = VDISK_URI_MAX - strlen("rbd:p/i:a=b:k=");
    char *value = filled("", room);
    struct vdisk_uri *uri = make("p", NULL, "i", NULL);
    struct vdisk_error err;

    (void)state;
    add(uri, "a", "b");
    value[0] = ':';
    assert_int_equal(vdisk_uri_add_option(uri, "k", value, &err), -ENAMETOOLONG);
    value[0] = '/';
    add(uri, "k", value);
    assert_int_equal(vdisk_uri_add_option(uri, "l", "", &err), -ENAMETOOLONG);
    assert_int_equal(vdisk_uri_option_count(uri), 2);
    assert_round_trip(uri);
    vdisk_uri_free(uri);
    free(value);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* A name of up to 11 bytes; half of them are such that the grammar cares about. */
static const char *random_name(char name[12], uint64_t *seed, size_t least)
{
    static const char special[] = "/@:=\\ \n\xff";
    size_t length = least + next_random(seed) % (12 - least);

    for (size_t i = 0; i < length; i++) {
        uint64_t random = next_random(seed);

        name[i] = random & 1 ? special[(random >> 1) % (sizeof special - 1)] : (char)(1 + (random >> 1) % 255);
    }
    name[length] = '\0';
    return name;
}

static struct vdisk_uri *random_uri(uint64_t *seed)
{
    char pool[12], name_space[12], image[12], snapshot[12], key[12], value[12];
    struct vdisk_uri *uri =
        make(random_name(pool, seed, 1), random_name(name_space, seed, 0), random_name(image, seed, 1),
             next_random(seed) & 1 ? random_name(snapshot, seed, 1) : NULL);

    for (uint64_t i = next_random(seed) % 5; i > 0; i--)
        add(uri, random_name(key, seed, 1), random_name(value, seed, 0));
    return uri;
}

static void random_names_survive(void **state)
{
    uint64_t seed = 2026;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct vdisk_uri *uri = random_uri(&seed);

        assert_round_trip(uri);
        vdisk_uri_free(uri);
    }
}

/* Random text hardly ever parses; what does, comes back. */
static void random_text_is_survived(void **state)
{
    uint64_t seed = 7;
    int parsed = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        static const char bytes[] = "pi/@:=\\k";
        char text[32] = "rbd:p/i";
        size_t length = 7 + next_random(&seed) % 20;
        struct vdisk_uri *uri;

        for (size_t at = 7; at < length; at++)
            text[at] = bytes[next_random(&seed) % (sizeof bytes - 1)];
        if (vdisk_uri_parse(&uri, text, NULL) != 0)
            continue;
        assert_round_trip(uri);
        vdisk_uri_free(uri);
        parsed++;
    }
    assert_in_range(parsed, 1000, 19000);
}

static void format_escapes_only_what_it_must(void **state)
{
    struct vdisk_uri *uri = make("p=", "n", "i@/:\\=", "s@/:\\=");
    char *text;

    (void)state;
    add(uri, "k@/:\\=", "v@/:\\=");
    text = format(uri);
    assert_string_equal(text, "rbd:p=/n/i\\@\\/\\:\\\\=@s\\@\\/\\:\\\\=:k@/\\:\\\\\\==v@/\\:\\\\=");
    free(text);
    vdisk_uri_free(uri);
}

static void assert_described(const struct vdisk_uri *uri, const char *expected)
{
    char *text = NULL;

    assert_int_equal(vdisk_uri_describe(&text, uri), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void describe_leaves_values_out(void **state)
{
    struct vdisk_uri *uri = parse("rbd:pool/image@snap:id=me:key=SECRET");

    (void)state;
    assert_described(uri, "rbd:pool/image@snap:id=" ELLIPSIS ":key=" ELLIPSIS);
    vdisk_uri_free(uri);
    uri = parse("rbd:pool/ns/image:a=");
    assert_described(uri, "rbd:pool/ns/image:a=" ELLIPSIS);
    vdisk_uri_free(uri);
}

static void describe_escapes(void **state)
{
    struct vdisk_uri *uri = make("p\n", "\xc3\xa9", "a@b/c\\x", "\xff\xe2\x80\xae");

    (void)state;
    add(uri, "k\x1b=", "v");
    assert_described(uri, "rbd:p\\x0a/\xc3\xa9/a\\@b\\/c\\\\x@\\xff\\xe2\\x80\\xae:k\\x1b\\==" ELLIPSIS);
    vdisk_uri_free(uri);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_has_a_limit),
        cmocka_unit_test(needless_escapes_count),
        cmocka_unit_test(new_has_the_same_limit),
        cmocka_unit_test(add_option_has_the_same_limit),
        cmocka_unit_test(random_names_survive),
        cmocka_unit_test(random_text_is_survived),
        cmocka_unit_test(format_escapes_only_what_it_must),
        cmocka_unit_test(describe_leaves_values_out),
        cmocka_unit_test(describe_escapes),
    };

    return cmocka_run_group_tests_name("uri_text", tests, NULL, NULL);
}
