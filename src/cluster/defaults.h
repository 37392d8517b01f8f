/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Replaces Ceph's defaults of some options by libvdisk's, for one cluster handle.
 */
#ifndef VD_DEFAULTS_H
#define VD_DEFAULTS_H

#include <rados/librados.h>
#include <stdint.h>

#include <vdisk/error.h>

/*
 * Sets the defaults of a new cluster handle, according to `tuning`, an enum vdisk_tuning. Any other setting outranks
 * them, in whatever order they are set: by the monitors' database, a file, the URI or the program. Returns 0, or a
 * negative errno with its message in `err`.
 */
int vd_defaults_set(rados_t cluster, uint32_t tuning, struct vdisk_error *err);

#endif
