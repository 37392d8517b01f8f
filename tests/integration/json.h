/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests look up values in the JSON that Ceph prints. */
#ifndef JSON_H
#define JSON_H

#include <stdint.h>

/* The first number, string or true/false that `key` has in the text. */
uint64_t json_number(const char *json, const char *key);
const char *json_string(const char *json, const char *key);

#endif
