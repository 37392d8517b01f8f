/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides which options a URI may set, and to which values, because a URI often comes from a less trusted place than
 * the program that opens it.
 *
 * The table lists what is allowed, never what is not. So an option that a later Ceph adds is refused until somebody has
 * thought about it. docs/uri-policy.md shows the table to users. A test compares the two.
 */
#ifndef VD_POLICY_H
#define VD_POLICY_H

#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Checks the options of a URI. Blocks on the file system if an option names a file.
 *
 * -EINVAL  there is no such policy
 * -EPERM   the policy refuses an option or its value; the message names the option and the remedy, never the value
 * -ENOENT  a file that an option names does not exist
 * or another errno of examining such a file
 */
int vd_policy_check(uint32_t policy, const struct vdisk_uri *uri, struct vdisk_error *err);

#endif
