/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a caller wants to reach a cluster, checked.
 */
#ifndef VD_OPEN_OPTIONS_H
#define VD_OPEN_OPTIONS_H

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Copies the caller's options, or the defaults for NULL, to `to`, and checks them; what they point to stays the
 * caller's. `known_flags` are those that the call takes. Also checks the URI's options against the policy.
 */
int vd_open_options_read(struct vdisk_open_options *to, const struct vdisk_open_options *from, uint32_t known_flags,
                         const struct vdisk_uri *uri, struct vdisk_error *err);

#endif
