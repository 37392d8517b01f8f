/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Functions on arrays of buffers (struct iovec).
 */
#ifndef VD_IOV_H
#define VD_IOV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* Tells whether the array is a single buffer, as most are. Callers have a short path for it: its length is the sum. */
static inline bool vd_iov_is_one(const struct iovec *iov, int iovcnt)
{
    return iovcnt == 1 && iov && iov->iov_base;
}

/* Sets *length to the sum of the lengths. Returns 0, or -EINVAL if the array is not valid or the sum overflows. */
int vd_iov_length(uint64_t *length, const struct iovec *iov, int iovcnt);

/*
 * Returns how many buffers contain the `length` bytes that start `skip` bytes into the array. Empty buffers do not
 * count.
 */
int vd_iov_slice_count(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Writes the buffers that vd_iov_slice_count counts to `slice`, without the bytes outside the range. */
void vd_iov_slice(struct iovec *slice, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Copies the `length` bytes that start `skip` bytes into the array to `to`. */
void vd_iov_gather(void *to, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Copies `length` bytes at `from` to the start of the array. */
void vd_iov_scatter(const struct iovec *iov, int iovcnt, const void *from, uint64_t length);

/* Zeroes the array from `skip` bytes to its end. */
void vd_iov_zero(const struct iovec *iov, int iovcnt, uint64_t skip);

#endif
