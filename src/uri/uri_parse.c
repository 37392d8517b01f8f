/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses the text of a URI. It first splits the text at unescaped separators, and then unescapes each part once.
 */
#include "uri/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The text that is being parsed. Positions are byte offsets, and messages state them as such. */
struct parse {
    const char *text;
    /*
     * The buffer for the unescaped parts, one after the other. The NUL of a part takes the room of the separator after
     * it. The image, and a namespace that is left out, have no separator; the four bytes of the prefix give room for
     * their NULs.
     */
    char *parts;
    size_t used;
    struct vdisk_error *err;
};

/* The bytes from `start` up to `end`. */
struct span {
    size_t start;
    size_t end;
};

/* The unescaped parts of the path. */
struct path {
    const char *pool;
    const char *name_space;
    const char *image;
    const char *snapshot;
};

/* Returns the position of the first unescaped byte of `set` in the span, or the span's end. */
static size_t find(const struct parse *parse, struct span span, const char *set)
{
    size_t at = span.start;

    while (at < span.end && !strchr(set, parse->text[at]))
        at += parse->text[at] == '\\' ? 2 : 1;
    return at < span.end ? at : span.end;
}

/* Unescapes a part. `what` names the part in the message. */
static int unescape(const char **out, struct parse *parse, struct span span, const char *what)
{
    *out = parse->parts + parse->used;
    for (size_t at = span.start; at < span.end; at++) {
        if (parse->text[at] == '\\' && ++at == span.end)
            return vd_error_set(parse->err, -EINVAL,
                                "The %s ends with a backslash at byte %zu of the URI, which escapes nothing; write "
                                "\"\\\\\" for a backslash.",
                                what, at - 1);
        parse->parts[parse->used++] = parse->text[at];
    }
    parse->parts[parse->used++] = '\0';
    return 0;
}

/* Does the same as unescape, for a part that must not be empty. */
static int unescape_name(const char **out, struct parse *parse, struct span span, const char *what)
{
    if (span.start == span.end)
        return vd_error_set(parse->err, -EINVAL, "The %s is empty at byte %zu of the URI.", what, span.start);
    return unescape(out, parse, span, what);
}

static int parse_snapshot(struct path *path, struct parse *parse, struct span span)
{
    size_t stray = find(parse, span, "@/");

    if (stray < span.end)
        return vd_error_set(parse->err, -EINVAL,
                            "The snapshot has an unescaped \"%c\" at byte %zu of the URI; in names write \"\\@\" for "
                            "\"@\" and \"\\/\" for \"/\".",
                            parse->text[stray], stray);
    return unescape_name(&path->snapshot, parse, span, "snapshot");
}

/* Parses what follows the pool: the image, or a namespace and the image. */
static int parse_image(struct path *path, struct parse *parse, struct span span)
{
    struct span name_space = {span.start, span.start};
    size_t slash = find(parse, span, "/");
    size_t stray;
    int r;

    if (slash < span.end) {
        name_space.end = slash;
        span.start = slash + 1;
    }
    stray = find(parse, span, "/");
    if (stray < span.end)
        return vd_error_set(parse->err, -EINVAL,
                            "The image has an unescaped \"/\" at byte %zu of the URI, after a pool and a namespace; in "
                            "names write \"\\/\" for \"/\".",
                            stray);
    r = unescape(&path->name_space, parse, name_space, "namespace");
    if (r < 0)
        return r;
    return unescape_name(&path->image, parse, span, "image");
}

static int parse_path(struct path *path, struct parse *parse, struct span span)
{
    struct span names = {span.start, find(parse, span, "@")};
    struct span pool = {span.start, find(parse, names, "/")};
    struct vd_quoted quoted;
    int r;

    if (names.end < span.end) {
        r = parse_snapshot(path, parse, (struct span){names.end + 1, span.end});
        if (r < 0)
            return r;
    }
    r = unescape_name(&path->pool, parse, pool, "pool");
    if (r < 0)
        return r;
    if (pool.end == names.end)
        return vd_error_set(parse->err, -EINVAL,
                            "The image is missing at byte %zu of the URI, after the pool %s; write rbd:POOL/IMAGE.",
                            pool.end, vd_quote(&quoted, path->pool));
    return parse_image(path, parse, (struct span){pool.end + 1, names.end});
}

/*
 * Parses one KEY=VALUE. No message quotes its text before the "=" is found, because it may be the rest of a secret that
 * contains a ":".
 */
static int parse_option(struct vdisk_uri *uri, struct parse *parse, struct span span)
{
    size_t equals = find(parse, span, "=");
    struct vd_quoted quoted;
    const char *key = "", *value = "";
    int r;

    if (span.start == span.end)
        return vd_error_set(parse->err, -EINVAL, "The option after the \":\" is empty at byte %zu of the URI.",
                            span.start);
    if (equals == span.end)
        return vd_error_set(parse->err, -EINVAL,
                            "The option at byte %zu of the URI has no \"=\"; in values write \"\\:\" for \":\".",
                            span.start);
    r = unescape_name(&key, parse, (struct span){span.start, equals}, "key of the option");
    if (r == 0)
        r = unescape(&value, parse, (struct span){equals + 1, span.end}, "value of the option");
    if (r < 0)
        return r;
    if (vd_uri_is_own_key(key) && !value[0])
        return vd_error_set(parse->err, -EINVAL, "The value of option %s is empty at byte %zu of the URI.",
                            vd_quote(&quoted, key), equals + 1);
    return vdisk_uri_add_option(uri, key, value, parse->err);
}

static int parse_text(struct vdisk_uri **uri, struct parse *parse, size_t length)
{
    struct span span = {strlen(VD_URI_PREFIX), length};
    struct path path = {0};
    size_t end = find(parse, span, ":");
    int r;

    r = parse_path(&path, parse, (struct span){span.start, end});
    if (r == 0)
        r = vdisk_uri_new(uri, path.pool, path.name_space, path.image, path.snapshot, parse->err);
    while (r == 0 && end < length) {
        span.start = end + 1;
        end = find(parse, span, ":");
        r = parse_option(*uri, parse, (struct span){span.start, end});
    }
    return r;
}

/* Sets *length to the length of the text. Refuses a text that is NULL, too long or has another prefix. */
static int check_text(size_t *length, const char *text, struct vdisk_error *err)
{
    if (!text)
        return vd_error_set(err, -EINVAL, "The text of the URI is NULL.");
    *length = strnlen(text, VDISK_URI_MAX + 1);
    if (*length > VDISK_URI_MAX)
        return vd_error_set(err, -ENAMETOOLONG, "The URI is longer than %d bytes.", VDISK_URI_MAX);
    if (strncmp(text, VD_URI_PREFIX, strlen(VD_URI_PREFIX)) != 0)
        return vd_error_set(err, -EINVAL, "The prefix \"%s\" is missing at byte 0 of the URI.", VD_URI_PREFIX);
    return 0;
}

int vdisk_uri_parse(struct vdisk_uri **uri, const char *text, struct vdisk_error *err)
{
    struct parse parse = {.text = text, .err = err};
    size_t length = 0;
    int r;

    vd_error_clear(err);
    if (!uri)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the URI: the pointer is NULL.");
    *uri = NULL;
    r = check_text(&length, text, err);
    if (r < 0)
        return r;

    parse.parts = calloc(1, length + 1);
    if (!parse.parts)
        return vd_error_set(err, -ENOMEM, "Out of memory for a URI.");
    r = parse_text(uri, &parse, length);
    if (r < 0) {
        vdisk_uri_free(*uri);
        *uri = NULL;
    }
    /* The value of an option can be a key. */
    explicit_bzero(parse.parts, length + 1);
    free(parse.parts);
    return r;
}
