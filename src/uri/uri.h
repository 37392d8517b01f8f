/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions on URIs for the library itself, in addition to the public <vdisk/uri.h>.
 */
#ifndef VD_URI_H
#define VD_URI_H

#include <stdbool.h>

#include <vdisk/error.h>
#include <vdisk/uri.h>

/* The text that every URI starts with. */
#define VD_URI_PREFIX "rbd:"

/* Returns the value of the last option with exactly this key, or NULL. The URI owns it. */
const char *vd_uri_last(const struct vdisk_uri *uri, const char *key);

/*
 * vd_uri_copy_names copies a URI without its options, vd_uri_copy copies all of it. The caller frees *copy with
 * vdisk_uri_free. Returns 0, or a negative errno with its message in `err`; *copy is then NULL.
 */
int vd_uri_copy_names(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err);
int vd_uri_copy(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err);

/* Tells whether the key is `id` or `conf`. These belong to libvdisk and are not options of Ceph. */
bool vd_uri_is_own_key(const char *key);

#endif
