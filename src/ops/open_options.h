/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks how a caller wants to reach a cluster: its struct vdisk_open_options and the URI. All calls that take these
 * share this check. Copies that outlive the call are in open_args.h; what a new image is to be like is in
 * image_options.h.
 */
#ifndef VD_OPEN_OPTIONS_H
#define VD_OPEN_OPTIONS_H

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Copies the caller's options, or the defaults for NULL, to `to`, and checks them. Also checks the options of the URI
 * against the policy. What the options point to stays the caller's. `known_flags` are the flags that the call takes; 0:
 * it does not open a disk. Returns 0, or a negative errno with a message in `err`.
 */
int vd_open_options_read(struct vdisk_open_options *to, const struct vdisk_open_options *from, uint32_t known_flags,
                         const struct vdisk_uri *uri, struct vdisk_error *err);

#endif
