/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What callers pass for a request, checked.
 */
#ifndef VD_CHECK_TRANSFER_H
#define VD_CHECK_TRANSFER_H

#include <sys/uio.h>

#include "io/request.h"

/* What a request does, for sentences: "Reading from", say. */
const char *vd_check_doing(enum vd_request_kind kind);

/*
 * Check a transfer as the caller's arguments make it up: all of its buffers, whose sum becomes its length; a range
 * without data; and one buffer to compare with and one to write, which *iov is made to hold and must outlive the
 * transfer. Whether the range is inside the image is not checked: the size can change until the disk is entered.
 */
int vd_check_transfer(struct vd_transfer *transfer, struct vdisk_error *err);
int vd_check_range(const struct vd_transfer *transfer, struct vdisk_error *err);
int vd_check_compare_and_write(struct vd_transfer *transfer, struct iovec *iov, const void *write,
                               struct vdisk_error *err);

#endif
