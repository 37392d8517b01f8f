/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whatever parses can be written as text that parses to the same, and described on one line. What does not is explained
 * on one line.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/uri.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

static void require_same_string(const char *one, const char *other)
{
    require(!one == !other);
    require(!one || strcmp(one, other) == 0);
}

static void require_same(const struct vdisk_uri *one, const struct vdisk_uri *other)
{
    const char *key, *value, *other_key, *other_value;

    require_same_string(vdisk_uri_pool(one), vdisk_uri_pool(other));
    require_same_string(vdisk_uri_namespace(one), vdisk_uri_namespace(other));
    require_same_string(vdisk_uri_image(one), vdisk_uri_image(other));
    require_same_string(vdisk_uri_snapshot(one), vdisk_uri_snapshot(other));
    require(vdisk_uri_option_count(one) == vdisk_uri_option_count(other));
    for (size_t i = 0; vdisk_uri_option(&key, &value, one, i) == 0; i++) {
        require(vdisk_uri_option(&other_key, &other_value, other, i) == 0);
        require_same_string(key, other_key);
        require_same_string(value, other_value);
    }
}

/* Written by parse, the text is canonical: parsing and writing it once more changes nothing. */
static void check_format(const struct vdisk_uri *uri, size_t length)
{
    struct vdisk_uri *again;
    char *text, *text_again;

    require(vdisk_uri_format(&text, uri) == 0);
    require(strlen(text) <= length);
    require(vdisk_uri_parse(&again, text, NULL) == 0);
    require_same(uri, again);
    require(vdisk_uri_format(&text_again, again) == 0);
    require(strcmp(text, text_again) == 0);
    vdisk_uri_free(again);
    free(text_again);
    free(text);
}

static void check_describe(const struct vdisk_uri *uri)
{
    char *text;

    require(vdisk_uri_describe(&text, uri) == 0);
    for (const char *at = text; *at; at++)
        require((unsigned char)*at >= ' ' && *at != 0x7f);
    free(text);
}

static void check_error(const struct vdisk_error *err, int code)
{
    require(err->code == code);
    require(err->message[0] && memchr(err->message, '\0', sizeof err->message));
    for (const char *at = err->message; *at; at++)
        require((unsigned char)*at >= ' ' && *at != 0x7f);
}

static void check_text(const char *text)
{
    struct vdisk_error err;
    struct vdisk_uri *uri;
    int r = vdisk_uri_parse(&uri, text, &err);

    if (r < 0) {
        require(!uri && (r == -EINVAL || r == -ENAMETOOLONG));
        check_error(&err, r);
        return;
    }
    require(err.code == 0 && !err.message[0]);
    check_format(uri, strlen(text));
    check_describe(uri);
    vdisk_uri_free(uri);
}

/* The prefix is given, so that no time goes into finding it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 5);

    require(text != NULL);
    memcpy(text, "rbd:", 4);
    memcpy(text + 4, data, size);
    text[size + 4] = '\0';
    check_text(text);
    check_text(text + 4);
    free(text);
    return 0;
}
