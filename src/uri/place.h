/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Describes in messages where an image is: its pool and namespace.
 */
#ifndef VD_PLACE_H
#define VD_PLACE_H

#include <vdisk/uri.h>

#include "base/error.h"

struct vd_place {
    char text[2 * VD_QUOTED_MAX + 32];
};

/* Writes `pool "p"` or `namespace "n" of pool "p"`, depending on the URI. Returns place->text. */
const char *vd_place_describe(struct vd_place *place, const struct vdisk_uri *uri);

#endif
