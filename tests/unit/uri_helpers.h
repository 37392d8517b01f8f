/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of URIs share: making one that must succeed, and comparing two.
 */
#ifndef URI_HELPERS_H
#define URI_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "uri/uri.h"

static inline struct vdisk_uri *parse(const char *text)
{
    struct vdisk_error err = {.code = 1, .message = "old"};
    struct vdisk_uri *uri = NULL;

    if (vdisk_uri_parse(&uri, text, &err) != 0)
        fail_msg("%s: %s", text, err.message);
    assert_non_null(uri);
    assert_int_equal(err.code, 0);
    assert_string_equal(err.message, "");
    return uri;
}

static inline struct vdisk_uri *make(const char *pool, const char *name_space, const char *image, const char *snapshot)
{
    struct vdisk_error err = {.code = 1, .message = "old"};
    struct vdisk_uri *uri = NULL;

    assert_int_equal(vdisk_uri_new(&uri, pool, name_space, image, snapshot, &err), 0);
    assert_int_equal(err.code, 0);
    assert_non_null(uri);
    return uri;
}

static inline void add(struct vdisk_uri *uri, const char *key, const char *value)
{
    struct vdisk_error err = {.code = 1};

    assert_int_equal(vdisk_uri_add_option(uri, key, value, &err), 0);
    assert_int_equal(err.code, 0);
}

static inline char *format(const struct vdisk_uri *uri)
{
    char *text = NULL;

    assert_int_equal(vdisk_uri_format(&text, uri), 0);
    assert_non_null(text);
    return text;
}

static inline void assert_same_string(const char *one, const char *other)
{
    assert_int_equal(!one, !other);
    if (one)
        assert_string_equal(one, other);
}

static inline void assert_same(const struct vdisk_uri *one, const struct vdisk_uri *other)
{
    const char *key, *value, *other_key, *other_value;

    assert_same_string(vdisk_uri_pool(one), vdisk_uri_pool(other));
    assert_same_string(vdisk_uri_namespace(one), vdisk_uri_namespace(other));
    assert_same_string(vdisk_uri_image(one), vdisk_uri_image(other));
    assert_same_string(vdisk_uri_snapshot(one), vdisk_uri_snapshot(other));
    assert_int_equal(vdisk_uri_option_count(one), vdisk_uri_option_count(other));
    for (size_t i = 0; vdisk_uri_option(&key, &value, one, i) == 0; i++) {
        assert_int_equal(vdisk_uri_option(&other_key, &other_value, other, i), 0);
        assert_string_equal(key, other_key);
        assert_string_equal(value, other_value);
    }
}

/* Formats, parses again and compares. */
static inline void assert_round_trip(const struct vdisk_uri *uri)
{
    char *text = format(uri);
    struct vdisk_uri *again = parse(text);

    assert_same(uri, again);
    vdisk_uri_free(again);
    free(text);
}

#endif
