/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The bytes that names, keys and values must escape, so that parsing does not split the text there. */
#define PATH_SPECIAL "/@:\\"
#define KEY_SPECIAL "=:\\"
#define VALUE_SPECIAL ":\\"

struct option {
    char *key;
    char *value;
};

struct vdisk_uri {
    char *pool;
    char *name_space;
    char *image;
    char *snapshot;
    /* Each string is allocated separately, so that it keeps its address when the array grows. */
    struct option *options;
    size_t option_count;
    size_t option_room;
    /* The length of the text that vdisk_uri_format writes. */
    size_t length;
};

static int no_memory(struct vdisk_error *err)
{
    return vd_error_set(err, -ENOMEM, "Out of memory for a URI.");
}

static int too_long(struct vdisk_error *err)
{
    return vd_error_set(err, -ENAMETOOLONG, "The URI is longer than %d bytes.", VDISK_URI_MAX);
}

/* Writes a URI's text. While `to` is NULL, it only measures the text. */
struct writer {
    char *to;
    size_t length;
    /* The text is for people: it leaves out option values and shows unprintable bytes as \xNN. */
    bool describe;
};

static void put(struct writer *writer, const char *bytes, size_t length)
{
    if (writer->to)
        memcpy(writer->to + writer->length, bytes, length);
    writer->length += length;
}

static void put_escaped(struct writer *writer, const char *name, const char *special)
{
    size_t left = strlen(name);

    while (left > 0) {
        struct vd_glyph glyph = {.taken = 1, .length = 1, .text = {name[0]}};

        if (writer->describe)
            glyph = vd_glyph_next(name, left);
        if (strchr(special, name[0]))
            put(writer, "\\", 1);
        put(writer, glyph.text, glyph.length);
        name += glyph.taken;
        left -= glyph.taken;
    }
}

static void put_option(struct writer *writer, const char *key, const char *value)
{
    put(writer, ":", 1);
    put_escaped(writer, key, KEY_SPECIAL);
    put(writer, "=", 1);
    if (writer->describe)
        put(writer, "\xe2\x80\xa6", 3);
    else
        put_escaped(writer, value, VALUE_SPECIAL);
}

static void put_uri(struct writer *writer, const struct vdisk_uri *uri)
{
    put(writer, VD_URI_PREFIX, strlen(VD_URI_PREFIX));
    put_escaped(writer, uri->pool, PATH_SPECIAL);
    put(writer, "/", 1);
    if (uri->name_space[0]) {
        put_escaped(writer, uri->name_space, PATH_SPECIAL);
        put(writer, "/", 1);
    }
    put_escaped(writer, uri->image, PATH_SPECIAL);
    if (uri->snapshot) {
        put(writer, "@", 1);
        put_escaped(writer, uri->snapshot, PATH_SPECIAL);
    }
    for (size_t i = 0; i < uri->option_count; i++)
        put_option(writer, uri->options[i].key, uri->options[i].value);
}

static int write_text(char **text, const struct vdisk_uri *uri, bool describe)
{
    struct writer measure = {.describe = describe};
    struct writer writer = {.describe = describe};

    if (!text)
        return -EINVAL;
    *text = NULL;
    if (!uri)
        return -EINVAL;
    put_uri(&measure, uri);
    writer.to = malloc(measure.length + 1);
    if (!writer.to)
        return -ENOMEM;
    put_uri(&writer, uri);
    writer.to[writer.length] = '\0';
    *text = writer.to;
    return 0;
}

int vdisk_uri_format(char **text, const struct vdisk_uri *uri)
{
    return write_text(text, uri, false);
}

int vdisk_uri_describe(char **text, const struct vdisk_uri *uri)
{
    return write_text(text, uri, true);
}

/* Sets uri->length for a URI without options. Fails if the text is longer than vdisk_uri_parse accepts. */
static int measure_path(struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct writer measure = {0};

    put_uri(&measure, uri);
    uri->length = measure.length;
    return uri->length > VDISK_URI_MAX ? too_long(err) : 0;
}

bool vd_uri_is_own_key(const char *key)
{
    return strcmp(key, "id") == 0 || strcmp(key, "conf") == 0;
}

static void free_option(struct option *option)
{
    free(option->key);
    /* The value can be a secret. */
    if (option->value)
        explicit_bzero(option->value, strlen(option->value));
    free(option->value);
}

/* Makes room in the array for one more option. */
static int grow_options(struct vdisk_uri *uri)
{
    size_t room = uri->option_room ? 2 * uri->option_room : 8;
    struct option *options;

    if (uri->option_count < uri->option_room)
        return 0;
    options = realloc(uri->options, room * sizeof *options);
    if (!options)
        return -ENOMEM;
    uri->options = options;
    uri->option_room = room;
    return 0;
}

static int check_parts(const char *pool, const char *image, const char *snapshot, struct vdisk_error *err)
{
    if (!pool || !pool[0])
        return vd_error_set(err, -EINVAL, "The pool of the URI is NULL or empty.");
    if (!image || !image[0])
        return vd_error_set(err, -EINVAL, "The image of the URI is NULL or empty.");
    if (snapshot && !snapshot[0])
        return vd_error_set(err, -EINVAL, "The snapshot of the URI is empty; NULL stands for none.");
    return 0;
}

int vdisk_uri_new(struct vdisk_uri **uri, const char *pool, const char *name_space, const char *image,
                  const char *snapshot, struct vdisk_error *err)
{
    struct vdisk_uri *made;
    int r;

    vd_error_clear(err);
    if (!uri)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the URI: the pointer is NULL.");
    *uri = NULL;
    r = check_parts(pool, image, snapshot, err);
    if (r < 0)
        return r;

    made = calloc(1, sizeof *made);
    if (!made)
        return no_memory(err);
    made->pool = strdup(pool);
    made->name_space = strdup(name_space ? name_space : "");
    made->image = strdup(image);
    made->snapshot = snapshot ? strdup(snapshot) : NULL;
    if (!made->pool || !made->name_space || !made->image || (snapshot && !made->snapshot))
        r = no_memory(err);
    else
        r = measure_path(made, err);
    if (r < 0) {
        vdisk_uri_free(made);
        return r;
    }
    *uri = made;
    return 0;
}

static int check_option(const char *key, const char *value, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    if (!key || !key[0])
        return vd_error_set(err, -EINVAL, "The key of the option is NULL or empty.");
    if (!value)
        return vd_error_set(err, -EINVAL, "The value of option %s is NULL.", vd_quote(&quoted, key));
    if (vd_uri_is_own_key(key) && !value[0])
        return vd_error_set(err, -EINVAL, "The value of option %s is empty.", vd_quote(&quoted, key));
    return 0;
}

int vdisk_uri_add_option(struct vdisk_uri *uri, const char *key, const char *value, struct vdisk_error *err)
{
    struct writer measure = {0};
    struct option option;
    int r;

    vd_error_clear(err);
    if (!uri)
        return vd_error_set(err, -EINVAL, "The URI to add an option to is NULL.");
    r = check_option(key, value, err);
    if (r < 0)
        return r;
    measure.length = uri->length;
    put_option(&measure, key, value);
    if (measure.length > VDISK_URI_MAX)
        return too_long(err);
    if (grow_options(uri) < 0)
        return no_memory(err);

    option = (struct option){.key = strdup(key), .value = strdup(value)};
    if (!option.key || !option.value) {
        free_option(&option);
        return no_memory(err);
    }
    uri->options[uri->option_count++] = option;
    uri->length = measure.length;
    return 0;
}

void vdisk_uri_free(struct vdisk_uri *uri)
{
    if (!uri)
        return;
    for (size_t i = 0; i < uri->option_count; i++)
        free_option(&uri->options[i]);
    free(uri->options);
    free(uri->snapshot);
    free(uri->image);
    free(uri->name_space);
    free(uri->pool);
    free(uri);
}

const char *vdisk_uri_pool(const struct vdisk_uri *uri)
{
    return uri ? uri->pool : NULL;
}

const char *vdisk_uri_namespace(const struct vdisk_uri *uri)
{
    return uri ? uri->name_space : NULL;
}

const char *vdisk_uri_image(const struct vdisk_uri *uri)
{
    return uri ? uri->image : NULL;
}

const char *vdisk_uri_snapshot(const struct vdisk_uri *uri)
{
    return uri ? uri->snapshot : NULL;
}

size_t vdisk_uri_option_count(const struct vdisk_uri *uri)
{
    return uri ? uri->option_count : 0;
}

int vdisk_uri_option(const char **key, const char **value, const struct vdisk_uri *uri, size_t index)
{
    bool found = index < vdisk_uri_option_count(uri);

    if (key)
        *key = found ? uri->options[index].key : NULL;
    if (value)
        *value = found ? uri->options[index].value : NULL;
    return found ? 0 : -ERANGE;
}

int vd_uri_copy_names(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    return vdisk_uri_new(copy, uri->pool, uri->name_space, uri->image, uri->snapshot, err);
}

int vd_uri_copy(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    int r = vd_uri_copy_names(copy, uri, err);

    for (size_t i = 0; r == 0 && i < uri->option_count; i++)
        r = vdisk_uri_add_option(*copy, uri->options[i].key, uri->options[i].value, err);
    if (r < 0) {
        vdisk_uri_free(*copy);
        *copy = NULL;
    }
    return r;
}

const char *vd_uri_last(const struct vdisk_uri *uri, const char *key)
{
    for (size_t i = uri->option_count; i > 0; i--) {
        if (strcmp(uri->options[i - 1].key, key) == 0)
            return uri->options[i - 1].value;
    }
    return NULL;
}
