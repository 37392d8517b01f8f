/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an image is, for messages.
 */
#ifndef VD_PLACE_H
#define VD_PLACE_H

#include <vdisk/uri.h>

#include "base/error.h"

struct vd_place {
    char text[2 * VD_QUOTED_MAX + 32];
};

/* Writes `pool "p"` or `namespace "n" of pool "p"`, as the URI says. Returns place->text. */
const char *vd_place_describe(struct vd_place *place, const struct vdisk_uri *uri);

#endif
