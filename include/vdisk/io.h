/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Synchronous I/O: read a disk and change its data, and wait for the result.
 *
 * These calls block until the cluster has answered. Any thread may make them, and several threads may use one disk at
 * once, also while queues use it. To have many requests in flight, use a queue (queue.h).
 *
 * A call returns 0 when it has done all of its range, never a count. A length of 0 succeeds and does nothing. Any
 * length within the image is accepted. The library cuts a long range into several requests, has some of them in flight
 * at a time, and uses a bounded amount of memory.
 *
 * The library checks each range against the image's size as it is known at the call (vdisk_get_size). A range that
 * reaches past the end is refused as a whole; nothing is clipped.
 *
 * Errors of all these calls:
 *
 * -EINVAL      the range is not inside the image, a flag is unknown, the iovec is not valid, or a pointer is NULL
 * -EROFS       the call changes data and the disk is read-only
 * -ESHUTDOWN   the disk is closing, the cluster has fenced this client, or the disk is being reopened
 * -ENOBUFS     too many requests are detached or too many writes indeterminate: see vdisk_aio_readv
 * -ETIMEDOUT   a request took longer than vdisk_open_options.io_timeout_ms, or than `rados_osd_op_timeout`
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory; nothing is done, unless the call needed several requests
 * -EIO         the range of a change is no longer inside the image, because somebody has shrunk the image meanwhile
 * (any other)  whatever else librbd reports
 *
 * When a read fails, the contents of the caller's buffer are undefined. Nothing outside the buffer is touched, and the
 * buffer is not touched after the call. When a change fails, any part of it may have been made or may still be made
 * later.
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
 * Give the caller's memory to librbd. This saves one copy on a read. The memory must stay in place until the request is
 * complete; the memory of a write must also stay unchanged.
 *
 * Do not write memory in this way that somebody else can change, such as the RAM of a guest. The checksum of the
 * message would not match its contents, and the connection would be reset for ever.
 *
 * Without this flag Ceph's threads never see the caller's memory: the data passes through memory of the library, or
 * librbd copies what is written before the call returns.
 */
#define VDISK_IO_ZERO_COPY (1u << 0)

/*
 * Force unit access: when the request completes with success, what it has changed is durable on the cluster, whatever
 * the cache mode. This says nothing about other writes.
 *
 * Where librbd has no such write, the library issues a flush inside the request. That is the case for zeroes, and for a
 * zero-copy write from several buffers. An error of that flush is the request's result, and it sticks like the error of
 * any flush. An earlier flush error that is not acknowledged yet is the result, too (vdisk_acknowledge_loss).
 */
#define VDISK_IO_FUA (1u << 1)

/* For writing zeroes: have the cluster allocate the space and store the zeroes. */
#define VDISK_WRITE_ZEROES_THICK (1u << 2)

/* Reads `length` bytes at `offset` of the disk into `buffer`. Flags: VDISK_IO_ZERO_COPY. */
int vdisk_pread(struct vdisk *disk, void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                struct vdisk_error *err);

/*
 * Reads at `offset` into the buffers of `iov`, in their order, as many bytes as they have room for together. `iovcnt`
 * is 0 to IOV_MAX (1024). Empty buffers are allowed. Flags: VDISK_IO_ZERO_COPY.
 */
int vdisk_preadv(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err);

/*
 * Writes `length` bytes of `buffer` at `offset`. When the call returns, the data can still be in a cache of this
 * process; vdisk_flush makes it durable. Flags: VDISK_IO_ZERO_COPY, VDISK_IO_FUA.
 */
int vdisk_pwrite(struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err);

/*
 * Writes the buffers of `iov`, in their order, at `offset`. `iov` and `iovcnt` are as for vdisk_preadv; durability and
 * flags are as for vdisk_pwrite.
 */
int vdisk_pwritev(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                  struct vdisk_error *err);

/*
 * Tells the cluster that the data in a range is not needed, so that the cluster can free the space. `flags` must be 0.
 *
 * This is not a way to write zeroes. Afterwards each byte reads as what was there before or as zero. A discard that has
 * freed nothing also succeeds.
 *
 * Space is freed in aligned units of vdisk_info.discard_granularity bytes. What does not fill a whole unit stays as it
 * is: librbd trims it off, as its option `rbd_discard_granularity_bytes` says.
 */
int vdisk_discard(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Makes every byte of a range zero, on a clone too. Where the cluster can do so, it stores nothing for the zeroes, is
 * sent no data, and frees the space. With VDISK_WRITE_ZEROES_THICK the zeroes are stored. Flags:
 * VDISK_WRITE_ZEROES_THICK, VDISK_IO_FUA.
 */
int vdisk_write_zeroes(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Writes `length` bytes of `write` at `offset` if the bytes there equal those of `compare`. Comparing and writing are
 * one step: no change by any client comes between them.
 *
 * The range may not cross a multiple of vdisk_info.compare_and_write_boundary. With librbd 16 that is a sector of 512
 * bytes (rbd_aio_compare_and_write). On success the written data is durable.
 * VDISK_IO_FUA is accepted and has no effect.
 *
 * *mismatch is set to 0, except with -EILSEQ. `mismatch` may be NULL.
 *
 * -EILSEQ      the bytes differ and nothing is written. *mismatch is the offset of the first byte that differs: an
 *              offset on the disk, at or after `offset`
 * -EINVAL      the range crosses a boundary; or for a reason in the table above
 * -EOPNOTSUPP  the disk was opened with a cache that keeps data (write-through or write-back). The cache of librbd
 *              16.2.15 continues to show the old data. Or the image has stripe units of less than 1024 bytes, for which
 *              librbd aborts the process. Such a disk has a compare_and_write_boundary of 0
 */
int vdisk_compare_and_write(uint64_t *mismatch, struct vdisk *disk, const void *compare, const void *write,
                            uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);

/*
 * Makes writes durable: every write that completed before this call is on the cluster when it returns 0. It does not
 * matter which queue or call made the write. Zeroes and discards are writes here. On a read-only disk there is nothing
 * to do. A failure sticks: see vdisk_acknowledge_loss.
 */
int vdisk_flush(struct vdisk *disk, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
