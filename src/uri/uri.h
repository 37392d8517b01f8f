/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library itself asks of a URI, beyond the public <vdisk/uri.h>.
 */
#ifndef VD_URI_H
#define VD_URI_H

#include <stdbool.h>

#include <vdisk/error.h>
#include <vdisk/uri.h>

/* What every URI starts with. */
#define VD_URI_PREFIX "rbd:"

/* The value of the last option with exactly this key, or NULL. */
const char *vd_uri_last(const struct vdisk_uri *uri, const char *key);

/* Copies the names of a URI, without its options; or all of it. Both set *copy, to NULL on failure, and return 0, or a
 * negative errno with its sentence. */
int vd_uri_copy_names(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err);
int vd_uri_copy(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err);

/* `id` and `conf`, which are libvdisk's own and not options of Ceph. */
bool vd_uri_is_own_key(const char *key);

#endif
