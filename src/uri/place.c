/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uri/place.h"

#include <stdio.h>

const char *vd_place_describe(struct vd_place *place, const struct vdisk_uri *uri)
{
    const char *name_space = vdisk_uri_namespace(uri);
    struct vd_quoted pool, quoted;

    vd_quote(&pool, vdisk_uri_pool(uri));
    if (name_space[0])
        snprintf(place->text, sizeof place->text, "namespace %s of pool %s", vd_quote(&quoted, name_space), pool.text);
    else
        snprintf(place->text, sizeof place->text, "pool %s", pool.text);
    return place->text;
}
