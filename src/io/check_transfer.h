/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of the arguments that callers pass for a request.
 */
#ifndef VD_CHECK_TRANSFER_H
#define VD_CHECK_TRANSFER_H

#include <sys/uio.h>

#include "io/request.h"

/* The beginning of a sentence about such a request, for example "Reading from". */
const char *vd_check_doing(enum vd_request_kind kind);

/*
 * These check a transfer that has the caller's arguments. They do not check whether the range is inside the image,
 * because the size may change until the disk is entered. They return 0 or a negative errno, and set `err`.
 */

/* For requests with an array of buffers. Sets the transfer's length to the sum of theirs. */
int vd_check_transfer(struct vd_transfer *transfer, struct vdisk_error *err);

/* For requests without data. */
int vd_check_range(const struct vd_transfer *transfer, struct vdisk_error *err);

/* For a compare-and-write. Sets *iov to the buffer at `write`; *iov must live as long as the transfer. */
int vd_check_compare_and_write(struct vd_transfer *transfer, struct iovec *iov, const void *write,
                               struct vdisk_error *err);

#endif
