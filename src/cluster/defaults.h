/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvdisk has a cluster handle take for the default of an option, in place of Ceph's.
 */
#ifndef VD_DEFAULTS_H
#define VD_DEFAULTS_H

#include <rados/librados.h>
#include <stdint.h>

#include <vdisk/error.h>

/*
 * For a new handle. Whatever anybody writes outranks it, before and after: the monitors' database, a file, the URI, the
 * program. `tuning`: enum vdisk_tuning.
 */
int vd_defaults_set(rados_t cluster, uint32_t tuning, struct vdisk_error *err);

#endif
