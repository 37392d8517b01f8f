/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of what callers pass to public functions. They are made once, at the public edge; internal functions rely on
 * them. All return 0 or a negative errno with its message in `err`.
 */
#ifndef VD_CHECK_H
#define VD_CHECK_H

#include <stdint.h>

#include <vdisk/error.h>

#include "base/process.h"
#include "disk/disk.h"

/* Sets the error of vd_check_process. Returns -EPERM. */
int vd_check_forked_error(struct vdisk_error *err);

/* Returns -EPERM in a forked child, where Ceph's threads are missing. */
static inline int vd_check_process(struct vdisk_error *err)
{
    return vd_process_forked() ? vd_check_forked_error(err) : 0;
}

/* Returns -EINVAL for NULL, -EPERM in a forked child. */
int vd_check_disk(const struct vdisk *disk, struct vdisk_error *err);

/* As vd_check_disk; and returns -EROFS for a read-only disk. `doing` begins the message, such as "Resizing". */
int vd_check_writable(const struct vdisk *disk, const char *doing, struct vdisk_error *err);

/*
 * Enters the disk's current view for the duration of a blocking call. Leave it with vd_view_leave. Returns -ESHUTDOWN
 * if the disk refuses, because it is closing, being reopened or fenced.
 */
int vd_check_enter(struct vd_view **view, struct vdisk *disk, struct vdisk_error *err);

/* Returns -EINVAL for a flag that is not among the `known` ones. */
int vd_check_flags(uint32_t flags, uint32_t known, struct vdisk_error *err);

/* Set the errors of these checks, for callers that make the check themselves. Return the errno. */
int vd_check_no_disk_error(struct vdisk_error *err);
int vd_check_flags_error(uint32_t unknown, struct vdisk_error *err);
int vd_check_read_only_error(const struct vdisk *disk, const char *doing, struct vdisk_error *err);

/* Returns -EFBIG if an image of this size, behind a header of `header` bytes, does not fit an off_t. */
int vd_check_size(uint64_t size, uint64_t header, struct vdisk_error *err);

/*
 * Checks that an encrypted image has a passphrase, either in memory or in a file, and that an image without encryption
 * has none. Returns -EINVAL otherwise.
 */
int vd_check_passphrase(uint32_t encryption, const void *passphrase, size_t size, const char *file,
                        struct vdisk_error *err);

#endif
