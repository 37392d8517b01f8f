/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public edge: what callers pass is checked here, once, and everything below may rely on it.
 */
#ifndef VD_CHECK_H
#define VD_CHECK_H

#include <stdint.h>

#include <vdisk/error.h>

#include "base/process.h"
#include "disk/disk.h"

/* -EPERM in a forked child. */
int vd_check_forked_error(struct vdisk_error *err);
static inline int vd_check_process(struct vdisk_error *err)
{
    return vd_process_forked() ? vd_check_forked_error(err) : 0;
}

/* -EINVAL for NULL, -EPERM in a forked child. */
int vd_check_disk(const struct vdisk *disk, struct vdisk_error *err);

/* As vd_check_disk, and -EROFS for a read-only disk. `doing` is for the message: "Resizing", say. */
int vd_check_writable(const struct vdisk *disk, const char *doing, struct vdisk_error *err);

/* Enters a disk for the time of a call that blocks; -ESHUTDOWN when it is closing or fenced. To be left with
 * vd_view_leave. */
int vd_check_enter(struct vd_view **view, struct vdisk *disk, struct vdisk_error *err);

/* -EINVAL for a flag that is not among the `known`. */
int vd_check_flags(uint32_t flags, uint32_t known, struct vdisk_error *err);

/* The errors of these, for who checks otherwise. */
int vd_check_no_disk_error(struct vdisk_error *err);
int vd_check_flags_error(uint32_t unknown, struct vdisk_error *err);
int vd_check_read_only_error(const struct vdisk *disk, const char *doing, struct vdisk_error *err);

/* -EFBIG for a size of an image that, behind a header of `header` bytes, does not fit an off_t. */
int vd_check_size(uint64_t size, uint64_t header, struct vdisk_error *err);

/* What encrypts an image, with its passphrase: either in memory or in a file; or nothing at all. */
int vd_check_passphrase(uint32_t encryption, const void *passphrase, size_t size, const char *file,
                        struct vdisk_error *err);

#endif
