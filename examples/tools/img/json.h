/* SPDX-License-Identifier: MIT */
/*
 * Builds JSON. The builder keeps the first error, so a caller checks the result only at the end.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vdisk/vdisk.h>

struct json_builder {
    /* 0, or the first error as a negative errno. */
    int result;
    struct vdisk_error *err;
};

/* Add a value to the object. A text must be UTF-8; NULL becomes null. */
void json_add_text(struct json_builder *builder, json_t *object, const char *key, const char *text);
void json_add_number(struct json_builder *builder, json_t *object, const char *key, uint64_t number);
void json_add_bool(struct json_builder *builder, json_t *object, const char *key, bool value);

/* Add a new array or object under `key`, or a new object at the end of an array. The root owns it. */
json_t *json_add_array(struct json_builder *builder, json_t *object, const char *key);
json_t *json_add_object(struct json_builder *builder, json_t *object, const char *key);
json_t *json_append_object(struct json_builder *builder, json_t *array);

/* Writes `root`, unless there was an error, and releases it. Returns 0 or the first error as a negative errno. */
int json_print(FILE *stream, struct json_builder *builder, json_t *root);

#endif
