/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing a disk, waiting for the result.
 *
 * These calls block until the cluster has answered. Any thread may make them, several at once too, on the same disk
 * as queues do (queue.h, the way to have many requests in flight). They return 0 when every byte has moved, never a
 * count. A length of 0 succeeds and does nothing. Any length within the image is accepted: a long one is cut into
 * several requests inside, some of them in flight at a time, in memory that is bounded.
 *
 * Ranges are checked against the image's size as known at the call (vdisk_get_size). A range past or across the end is
 * refused whole; nothing is clipped.
 *
 * Errors of all of them:
 *
 * -EINVAL     the range leaves the image; the flags, the iovec or a pointer is not valid
 * -EROFS      a write to a read-only disk
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client; nothing can be done through this disk now
 * -EPERM      a forked child
 * -ENOMEM     out of memory; nothing is done
 * -EIO        a write is no longer inside the image because somebody shrank it in the meantime
 * and whatever else librbd reports
 *
 * When a read fails, the contents of the caller's buffer are undefined, but nothing outside it is touched, and
 * nothing touches it after the call. When a write fails, any part of it may have been written, now or later.
 */
#ifndef VDISK_IO_H
#define VDISK_IO_H

#include <stdint.h>
#include <sys/uio.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * By default data passes through memory of the library's, and Ceph's threads never see the caller's. With this flag
 * they do: one copy less, and the caller promises that the memory stays in place, and on a write unchanged, until the
 * request is complete. Memory that somebody else can change, as a guest its RAM, must not be written this way: the
 * checksum of the message would not match its contents, and the connection would be reset for ever.
 */
#define VDISK_IO_ZERO_COPY (1u << 0)

/* Reads `length` bytes at `offset` of the disk into `buffer`. Flags: VDISK_IO_ZERO_COPY. */
int vdisk_pread(struct vdisk *disk, void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                struct vdisk_error *err);

/*
 * Reads at `offset` into the buffers of `iov`, in their order, as many bytes as they hold together. `iovcnt` is 0 to
 * IOV_MAX (1024); empty buffers are allowed. Flags: VDISK_IO_ZERO_COPY.
 */
int vdisk_preadv(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err);

/*
 * Writes `length` bytes of `buffer` at `offset`. When it returns the data can still be in a cache of this process:
 * vdisk_flush makes it durable. Flags: VDISK_IO_ZERO_COPY.
 */
int vdisk_pwrite(struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err);

/* Writes the buffers of `iov`, in their order, at `offset`; otherwise as vdisk_pwrite and vdisk_preadv. */
int vdisk_pwritev(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                  struct vdisk_error *err);

/*
 * Makes every write that had completed before this call, on any queue or in any call, durable on the cluster. On a
 * read-only disk there is nothing to do. A failure sticks: see vdisk_acknowledge_loss.
 */
int vdisk_flush(struct vdisk *disk, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
