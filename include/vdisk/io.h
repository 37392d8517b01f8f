/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and changing the data of a disk, waiting for the result.
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
 * -EROFS      a change to a read-only disk
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client; nothing can be done through this disk now
 * -EPERM      a forked child
 * -ENOMEM     out of memory; nothing is done
 * -EIO        what is changed is no longer inside the image because somebody shrank it in the meantime
 * and whatever else librbd reports
 *
 * When a read fails, the contents of the caller's buffer are undefined, but nothing outside it is touched, and
 * nothing touches it after the call. When a change fails, any part of it may have been made, now or later.
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
 * By default data passes through memory of the library's, or librbd copies what is written before the call returns, and
 * Ceph's threads never see the caller's memory. With this flag they do: one copy less on a read, and the caller
 * promises that the memory stays in place, and on a write unchanged, until the request is complete. Memory that
 * somebody else can change, as a guest its RAM, must not be written this way: the checksum of the message would not
 * match its contents, and the connection would be reset for ever.
 */
#define VDISK_IO_ZERO_COPY (1u << 0)

/*
 * Force unit access: when it completes with success, what it has changed is durable on the cluster, whatever the cache
 * mode. This says nothing of other writes. A flush is issued inside where librbd has no other way (a zero-copy write
 * from several buffers, and zeroes), and then its error is the result, and sticks as that of any flush does; so does
 * the result of one that stuck before (vdisk_acknowledge_loss).
 */
#define VDISK_IO_FUA (1u << 1)

/* Of writing zeroes: have the cluster allocate the space and store the zeroes. */
#define VDISK_WRITE_ZEROES_THICK (1u << 2)

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
 * vdisk_flush makes it durable. Flags: VDISK_IO_ZERO_COPY, VDISK_IO_FUA.
 */
int vdisk_pwrite(struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err);

/* Writes the buffers of `iov`, in their order, at `offset`; otherwise as vdisk_pwrite and vdisk_preadv. */
int vdisk_pwritev(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                  struct vdisk_error *err);

/*
 * Tells the cluster that the data in a range is not needed, so that it can free the space. This is not a way to write
 * zeroes: what is read afterwards is, of every byte, either what was there or zero, and a discard that freed nothing
 * succeeds too. Space is freed in units of vdisk_info.discard_granularity: what does not fill a unit, aligned to its
 * size, is left as it is (librbd trims it off, as `rbd_discard_granularity_bytes` says). `flags` must be 0.
 */
int vdisk_discard(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Makes every byte of a range zero, on a clone too. Nothing is transferred or stored for that where the cluster can do
 * without, and space is freed, unless VDISK_WRITE_ZEROES_THICK is given. Flags: that one, VDISK_IO_FUA.
 */
int vdisk_write_zeroes(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Writes `length` bytes of `write` at `offset` if those of `compare` are there, in one step that nothing of any client
 * comes between. The range may not cross a boundary of vdisk_info.compare_and_write_boundary bytes, that is a sector's
 * with librbd 16 (rbd_aio_compare_and_write). What was written is durable. Flags: VDISK_IO_FUA, which so changes
 * nothing.
 *
 * -EILSEQ      other bytes are there, and nothing is written. *mismatch is the offset on the disk, at or after
 *              `offset`, of the first byte that differs; 0 after any other result. `mismatch` may be NULL
 * -EINVAL      also: the range crosses a boundary
 * -EOPNOTSUPP  the disk was opened with a cache that keeps data, write-through or write-back. That of librbd 16.2.15
 *              goes on showing what was there before, so such a disk has a compare_and_write_boundary of 0
 */
int vdisk_compare_and_write(uint64_t *mismatch, struct vdisk *disk, const void *compare, const void *write,
                            uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Makes every write that had completed before this call, on any queue or in any call, durable on the cluster; zeroes
 * and discards are writes here. On a read-only disk there is nothing to do. A failure sticks: see
 * vdisk_acknowledge_loss.
 */
int vdisk_flush(struct vdisk *disk, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
