/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "undo.h"

static const char *json_value(const char *json, const char *key)
{
    const char *quoted = text("\"%s\":", key);
    const char *found = strstr(json, quoted);

    if (!found)
        fail_msg("there is no %s in %s", quoted, json);
    return found + strlen(quoted);
}

uint64_t json_number(const char *json, const char *key)
{
    return strtoull(json_value(json, key), NULL, 10);
}

const char *json_string(const char *json, const char *key)
{
    const char *value = json_value(json, key);
    const char *start = value + (*value == '"');

    return text("%.*s", (int)strcspn(start, *value == '"' ? "\"" : ",}"), start);
}
