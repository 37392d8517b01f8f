/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which options a URI may set, and to what: a URI often comes from a less trusted place than the program that opens it.
 *
 * The list is one of what is allowed, never of what is not: what a later Ceph adds is refused until somebody has
 * thought about it. docs/uri-policy.md shows it to users; a test keeps the two equal.
 */
#ifndef VD_POLICY_H
#define VD_POLICY_H

#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Checks the options of a URI.
 *
 * -EINVAL  no such policy
 * -EPERM   the policy refuses an option or its value; the message names the option, never the value, and the way out
 * -ENOENT  a file that an option names does not exist
 * and what else looking at such a file can report
 */
int vd_policy_check(uint32_t policy, const struct vdisk_uri *uri, struct vdisk_error *err);

#endif
