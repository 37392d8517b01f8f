/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/option.h"

#include <string.h>

/* White space in the C locale, whatever locale the program has set: other locales must not change what a key means. */
#define WHITE_SPACE " \t\n\v\f\r"

bool vd_option_key_equal(const char *key, const char *name)
{
    key += strspn(key, WHITE_SPACE);
    while (*key) {
        size_t space = strspn(key, WHITE_SPACE);

        if (space > 0 && !key[space])
            break;
        if ((space > 0 ? '_' : *key) != *name)
            return false;
        key += space > 0 ? space : 1;
        name++;
    }
    return !*name;
}
