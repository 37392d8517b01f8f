/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The options that a URI may set, as data.
 */
#ifndef VD_POLICY_TABLE_H
#define VD_POLICY_TABLE_H

#include <stddef.h>
#include <stdint.h>

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

#endif
