/* SPDX-License-Identifier: MIT */
#include "img/json.h"

#include <errno.h>

#include "common/text.h"
#include "common/tool.h"

static void fail(struct json_builder *builder, const char *key)
{
    if (builder->result == 0)
        builder->result = tool_fail(builder->err, -ENOMEM, "There is no memory for \"%s\" in the JSON output.", key);
}

/* Takes over `value`, which is NULL if there was no memory for it. */
static void add(struct json_builder *builder, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        fail(builder, key);
}

void json_add_text(struct json_builder *builder, json_t *object, const char *key, const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (!value && builder->result == 0)
        builder->result =
            tool_fail(builder->err, -EILSEQ, "The value of \"%s\" is not valid UTF-8, so JSON cannot contain it.", key);
    if (value)
        add(builder, object, key, value);
}

void json_add_number(struct json_builder *builder, json_t *object, const char *key, uint64_t number)
{
    if (number <= INT64_MAX)
        add(builder, object, key, json_integer((json_int_t)number));
    else if (builder->result == 0)
        builder->result =
            tool_fail(builder->err, -EOVERFLOW, "The value of \"%s\" is too large for the JSON output.", key);
}

void json_add_bool(struct json_builder *builder, json_t *object, const char *key, bool value)
{
    add(builder, object, key, json_boolean(value));
}

json_t *json_add_array(struct json_builder *builder, json_t *object, const char *key)
{
    json_t *array = json_array();
    add(builder, object, key, array);
    return array;
}

json_t *json_add_object(struct json_builder *builder, json_t *object, const char *key)
{
    json_t *inner = json_object();
    add(builder, object, key, inner);
    return inner;
}

json_t *json_append_object(struct json_builder *builder, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) < 0)
        fail(builder, "object");
    return object;
}

int json_print(FILE *stream, struct json_builder *builder, json_t *root)
{
    if (!root)
        fail(builder, "object");
    if (builder->result == 0) {
        json_dumpf(root, stream, JSON_INDENT(2));
        fputc('\n', stream);
    }
    json_decref(root);
    return builder->result;
}
