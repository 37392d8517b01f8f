/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arrays of buffers.
 */
#ifndef VD_IOV_H
#define VD_IOV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* One buffer, as most arrays are: its length is the sum, and what the functions here do is done in a few steps. */
static inline bool vd_iov_is_one(const struct iovec *iov, int iovcnt)
{
    return iovcnt == 1 && iov && iov->iov_base;
}

/* The sum of the lengths. -EINVAL: the array is not valid or the sum overflows. */
int vd_iov_length(uint64_t *length, const struct iovec *iov, int iovcnt);

/* How many buffers hold the `length` bytes that start `skip` bytes into the array; empty buffers do not count. */
int vd_iov_slice_count(const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Writes those buffers to `slice`. */
void vd_iov_slice(struct iovec *slice, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Copies `length` bytes, `skip` bytes into the array, to `to`. */
void vd_iov_gather(void *to, const struct iovec *iov, int iovcnt, uint64_t skip, uint64_t length);

/* Copies `length` bytes at `from` to the start of the array. */
void vd_iov_scatter(const struct iovec *iov, int iovcnt, const void *from, uint64_t length);

/* Zeroes the array from `skip` bytes on to its end. */
void vd_iov_zero(const struct iovec *iov, int iovcnt, uint64_t skip);

#endif
