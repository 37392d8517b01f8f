/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/names.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Room for " and 4294967295 more" and its NUL. */
#define TAIL 24

void vd_names_add(struct vd_names *names, const char *name)
{
    struct vd_quoted quoted;
    size_t length = strlen(vd_quote(&quoted, name));
    const char *separator = names->count > 0 ? ", " : "";

    names->count++;
    /* No name is shown after one that does not fit, so the text shows the first ones. The very first always fits. */
    if (names->left_out > 0 || names->used + strlen(separator) + length + TAIL > sizeof names->text) {
        names->left_out++;
        return;
    }
    names->used += (size_t)sprintf(names->text + names->used, "%s%s", separator, quoted.text);
}

const char *vd_names_finish(struct vd_names *names)
{
    if (names->left_out > 0)
        snprintf(names->text + names->used, sizeof names->text - names->used, " and %u more", names->left_out);
    return names->text;
}
