/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which options a URI may set, and to what: a URI often comes from a less trusted place than the program that opens it.
 *
 * The list is one of what is allowed, never of what is not: what a later Ceph adds is refused until somebody has
 * thought about it. docs/uri-policy.md shows it to users; a test keeps the two equal.
 */
#ifndef VD_POLICY_H
#define VD_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

enum vd_value_kind {
    VD_VALUE_BOOL,
    /* Digits, and one of K M G T P E; counted in powers of 1024, which is at least what Ceph makes of it. */
    VD_VALUE_NUMBER,
    /* As VD_VALUE_NUMBER, in bytes. */
    VD_VALUE_SIZE,
    /* Digits alone: what a letter after them stands for differs. */
    VD_VALUE_SECONDS,
    /* Digits, and more digits after a point: no sign, no exponent, no infinity. */
    VD_VALUE_DECIMAL,
    /* N or N/M: what is logged, and what is kept in memory to be logged after a crash. */
    VD_VALUE_LEVEL,
    VD_VALUE_WORD,
    VD_VALUE_FEATURES,
    /* Of a user or a pool: no byte that Ceph splits lists at or expands, nor one that leads to another folder. */
    VD_VALUE_NAME,
    VD_VALUE_KEY,
    /* See trusted_path.h. */
    VD_VALUE_FILE,
};

struct vd_policy_row {
    /* As Ceph's documentation writes it. */
    const char *name;
    /* Bits 1 << enum vdisk_uri_policy. */
    unsigned policies;
    enum vd_value_kind kind;
    /* Bounds of a number, inclusive. No upper one: VD_POLICY_UNBOUNDED. */
    uint64_t least;
    uint64_t most;
    /* Of a VD_VALUE_WORD, separated by ", ". */
    const char *words;
    /* Why a stranger may set it. */
    const char *reason;
};

#define VD_POLICY_UNBOUNDED INT64_MAX

extern const struct vd_policy_row vd_policy_rows[];
extern const size_t vd_policy_row_count;

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
