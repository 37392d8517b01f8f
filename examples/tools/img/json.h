/* SPDX-License-Identifier: MIT */
/*
 * Building JSON. The first thing that does not fit in is kept as an error, so that only the end need look.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vdisk/vdisk.h>

struct json_builder {
    /* 0, or why it failed. */
    int result;
    struct vdisk_error *err;
};

/* A text, which must be UTF-8; NULL becomes null. */
void json_add_text(struct json_builder *builder, json_t *object, const char *key, const char *text);
void json_add_number(struct json_builder *builder, json_t *object, const char *key, uint64_t number);
void json_add_bool(struct json_builder *builder, json_t *object, const char *key, bool value);

/* A new array or object under `key`, or a new object at the end of an array: to be filled, not released. */
json_t *json_add_array(struct json_builder *builder, json_t *object, const char *key);
json_t *json_add_object(struct json_builder *builder, json_t *object, const char *key);
json_t *json_append_object(struct json_builder *builder, json_t *array);

/* Writes `root` unless something failed, and releases it. Returns 0 or a negative errno. */
int json_print(FILE *stream, struct json_builder *builder, json_t *root);

#endif
