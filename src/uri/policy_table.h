/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of the options that a URI may set.
 */
#ifndef VD_POLICY_TABLE_H
#define VD_POLICY_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum vd_value_kind {
    VD_VALUE_BOOL,
    /* Digits, and optionally one of K M G T P E: powers of 1024, which is at least what Ceph takes them for. */
    VD_VALUE_NUMBER,
    /* As VD_VALUE_NUMBER, a number of bytes. */
    VD_VALUE_SIZE,
    /* Digits alone, because a unit after them does not mean the same everywhere. */
    VD_VALUE_SECONDS,
    /* Digits, optionally followed by a point and more digits. A sign, an exponent and infinity are not allowed. */
    VD_VALUE_DECIMAL,
    /* N or N/M: the level of the log, and the level of what is kept in memory to be logged after a crash. */
    VD_VALUE_LEVEL,
    /* One of vd_policy_row.words. */
    VD_VALUE_WORD,
    /* A list of the names of image features, or a number. */
    VD_VALUE_FEATURES,
    /*
     * The name of a user or a pool. It must not contain a byte at which Ceph splits lists, or which Ceph expands, or
     * which leads to another folder.
     */
    VD_VALUE_NAME,
    /* A secret key, in base64. */
    VD_VALUE_KEY,
    /* The absolute path of a file that only root and the caller can change: see trusted_path.h. */
    VD_VALUE_FILE,
};

struct vd_policy_row {
    /* The option's name, written as in Ceph's documentation. */
    const char *name;
    /* The policies that allow the option: bits 1 << enum vdisk_uri_policy. */
    unsigned policies;
    enum vd_value_kind kind;
    /* The inclusive bounds of a number. VD_POLICY_UNBOUNDED in `most`: there is no upper bound. */
    uint64_t least;
    uint64_t most;
    /* The allowed words for VD_VALUE_WORD, separated by ", ". */
    const char *words;
    /* Why an untrusted URI may set the option. */
    const char *reason;
};

#define VD_POLICY_UNBOUNDED INT64_MAX

extern const struct vd_policy_row vd_policy_rows[];
extern const size_t vd_policy_row_count;

#endif
