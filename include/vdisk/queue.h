/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asynchronous requests, and one descriptor that tells when some have completed.
 *
 * A queue belongs to one thread at a time; different queues are independent of each other. One queue serves any number
 * of disks and one disk any number of queues: a hypervisor has a queue for each I/O thread.
 *
 * A vdisk_aio_... call returns 0: the request is accepted and completes exactly once, later, never within the call; or
 * a negative errno: it is refused and never completes. Requests in flight have no order among each other, overlapping
 * ones neither: a caller that needs one waits for the first to complete.
 *
 * The loop of a caller:
 *
 *   poll(vdisk_queue_get_fd(queue), POLLIN)
 *   n = vdisk_queue_reap(queue, completions, 64)
 *   handle the n completions; submit what was waiting for room
 */
#ifndef VDISK_QUEUE_H
#define VDISK_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/io.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vdisk_queue;

/* The longest single read or write a queue accepts, in bytes. */
#define VDISK_MAX_REQUEST 33554432u
/* The longest discard, or write of zeroes. */
#define VDISK_MAX_DISCARD 1073741824u
#define VDISK_MAX_WRITE_ZEROES 1073741824u
/* The most requests a queue can be made to hold. */
#define VDISK_MAX_DEPTH 65536u

struct vdisk_queue_options {
    size_t struct_size;
    /* How many requests may be accepted and not yet reaped: up to VDISK_MAX_DEPTH. 0: 256. */
    uint32_t depth;
    /* Zero. */
    uint32_t reserved;
    /*
     * A bound on the memory for bounced data, in bytes, at least VDISK_MAX_REQUEST. It is allocated as needed, kept
     * for reuse, and counted in powers of two from 4 KiB. Writes that are sent at once need none, since librbd itself
     * copies them, unless it is configured not to (`rbd_disable_zero_copy_writes`). 0: 64 MiB.
     */
    uint64_t bounce_bytes;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. */
void vdisk_queue_options_init(struct vdisk_queue_options *options, size_t struct_size);

/*
 * Makes a queue. A forked child must not use its parent's: both would listen to one pipe. `options` may be NULL for the
 * defaults. Never blocks.
 *
 * -EINVAL           a field is out of its bounds
 * -E2BIG            `options` carries a field this libvdisk does not know
 * -EMFILE, -ENFILE  out of file descriptors
 * -EPERM            a forked child
 * -ENOMEM           out of memory
 */
int vdisk_queue_create(struct vdisk_queue **queue, const struct vdisk_queue_options *options, struct vdisk_error *err);

/*
 * Frees a queue. Never blocks for longer than a thread of Ceph's needs to finish ringing. NULL is fine.
 *
 * -EBUSY  requests are unfinished or their completions unreaped (vdisk_queue_in_flight), or there is a watch whose end
 *         is not reaped (event.h); nothing is freed
 * -EPERM  a forked child; nothing is freed
 */
int vdisk_queue_destroy(struct vdisk_queue *queue);

/*
 * The descriptor to poll for POLLIN. It is the same for the queue's life, non-blocking, close-on-exec, and can have any
 * number, so do not use select(). It is readable whenever a completion can be reaped, and can be readable without one.
 * The caller never reads, writes or closes it. -EINVAL for a NULL queue.
 */
int vdisk_queue_get_fd(const struct vdisk_queue *queue);

/* This is not the final completion of its request: there will be another one with the same user_data. */
#define VDISK_COMPLETION_MORE (1u << 0)

/*
 * For control operations that take it: reports, by completions with VDISK_COMPLETION_MORE, how far the operation has
 * come. They do not pile up: while one is not reaped the next one only changes what it will say.
 */
#define VDISK_AIO_PROGRESS (1u << 16)
/* The whole of an operation, as completions count it. */
#define VDISK_PROGRESS_WHOLE 1000000u

/*
 * One completed request. 64 bytes, for ever.
 */
struct vdisk_completion {
    /* As given at submission. */
    void *user_data;
    /* 0 or a negative errno. */
    int32_t result;
    /* VDISK_COMPLETION_... */
    uint32_t flags;
    /* What an open produced; NULL otherwise. */
    struct vdisk *disk;
    /*
     * How far a control operation has come, out of VDISK_PROGRESS_WHOLE; what a watch tells (event.h); the offset of
     * the mismatch of a compare-and-write with -EILSEQ; 0 otherwise.
     */
    uint64_t value;
    /* The library's own. */
    unsigned char reserved[64 - 2 * sizeof(void *) - 2 * sizeof(uint32_t) - sizeof(uint64_t)];
};

/*
 * Takes up to `max` completions and returns how many. Never blocks. Data that was read is copied into the caller's
 * buffers in here. With a return of `max` there may be more; the descriptor is then still readable.
 *
 * -EINVAL  queue is NULL, or completions is NULL and max is not 0
 * -EPERM   a forked child
 */
int vdisk_queue_reap(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max);

/*
 * The sentence that explains the failure of a completion that the latest vdisk_queue_reap or _wait returned. What
 * later calls of these return makes it go away. Never blocks.
 *
 * -EINVAL  an argument is NULL
 * otherwise the completion's result
 */
int vdisk_queue_error(struct vdisk_queue *queue, const struct vdisk_completion *completion, struct vdisk_error *err);

/*
 * As vdisk_queue_reap, but blocks until at least `min` completions are there or `timeout_ms` milliseconds have passed
 * (-1: no limit). Returns how many it took: fewer than `min` on a timeout, and when there are fewer requests than that
 * left to complete, so waiting on an idle queue returns 0 at once; with a watch (event.h) there can always be more.
 * Signals do not end the wait. The thread sleeps once for all `min`, however far apart they come.
 *
 * -EINVAL  as for vdisk_queue_reap, or min is greater than max, or timeout_ms is less than -1
 * -EPERM   a forked child
 */
int vdisk_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                     unsigned int max, int timeout_ms);

/*
 * From this call to that of vdisk_queue_unplug, reads and writes that are accepted are not sent but gathered, and those
 * that are adjacent on a disk are merged into one, up to the size of an object: many small requests then cost little
 * more than one large. Each still has its own completion, can be given up by itself, and has its own deadline; the
 * result is shared. The natural time is between a reap and the submissions that it gives rise to.
 *
 * What has been gathered is also sent by a queue that is full (-EAGAIN), by a flush or a write with VDISK_IO_FUA, which
 * it is never merged across, and by vdisk_queue_wait with a `min` of more than 0, vdisk_queue_drain and
 * vdisk_queue_cancel. Not gathered are zero-copy requests, those with VDISK_IO_FUA, and other kinds than reads and
 * writes: they are sent at once. Calls nest: the last unplug sends. None of them blocks.
 *
 * -EINVAL  queue is NULL; or, of unplugging, the queue is not plugged
 * -EPERM   a forked child
 */
int vdisk_queue_plug(struct vdisk_queue *queue);
int vdisk_queue_unplug(struct vdisk_queue *queue);

/*
 * Gives up every unfinished request with this `user_data` and returns how many: each completes with -ECANCELED, in the
 * reap after this, and from now on its memory is not touched. Never blocks.
 *
 * A request that Ceph has already goes on there, without its caller: a read to nowhere; a write may still reach the
 * image, or not. Until it is known which, later requests to the disk that overlap the write's range are held, and sent
 * when it has settled: a retry is never overtaken by the write it replaces. Such leftovers count neither for the
 * queue's depth nor as in flight, so the queue can be destroyed; vdisk_info counts them, closing the disk waits for
 * them. The same holds after vdisk_open_options.io_timeout_ms, and for a write that Ceph itself gives up with
 * -ETIMEDOUT (`rados_osd_op_timeout`): that one stays unsettled until this client is fenced (vdisk_reopen).
 *
 * A control operation can be given up until its turn comes, an opening also while it runs: what it opens late is closed
 * by the library.
 *
 * -ENOENT  there is no such request
 * -EBUSY   there are only such as cannot be given up: control operations that run, zero-copy requests that Ceph has
 * -EINVAL  queue is NULL
 * -EPERM   a forked child
 */
int vdisk_queue_cancel(struct vdisk_queue *queue, const void *user_data);

/*
 * Blocks until no request is unfinished. Completions are left to be reaped. Watches (event.h) are not waited for.
 *
 * -EINVAL  queue is NULL
 * -EPERM   a forked child
 */
int vdisk_queue_drain(struct vdisk_queue *queue);

/* How many requests are accepted and not yet reaped, watches left out. 0 for a NULL queue. */
unsigned int vdisk_queue_in_flight(const struct vdisk_queue *queue);

/*
 * Reads at `offset` of the disk into the buffers of `iov`. The array itself is copied; the buffers are lent to the
 * library until the completion is reaped, even when the disk is closed before that. When the read fails they are left
 * as they were. If the image has been shrunk in the meantime, zeroes are read from beyond its end. Flags:
 * VDISK_IO_ZERO_COPY, with which Ceph's threads write to the buffers, a failed read's too.
 *
 * -EAGAIN     the queue is full, or out of bounce memory; the descriptor becomes readable when there is something to
 *             reap, which makes room
 * -EINVAL     the range leaves the image (vdisk_get_size); it is longer than VDISK_MAX_REQUEST; `iovcnt` is not from 0
 *             to IOV_MAX (1024), or the lengths overflow; a pointer is NULL or a flag unknown
 * -ESHUTDOWN  the disk is closing or fenced
 * -ENOBUFS    more than about a thousand requests to the disk, or 256 MiB of data, were given up and are still with
 *             Ceph, or as many writes are unsettled (vdisk_queue_cancel)
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 *
 * The completion's result can be any error of librbd's. -ETIMEDOUT: vdisk_open_options.io_timeout_ms has passed;
 * -ECANCELED: vdisk_queue_cancel. -ESHUTDOWN: the cluster has fenced this client. From then on the disk is fenced, and
 * every call and request is refused with -ESHUTDOWN, until vdisk_reopen.
 */
int vdisk_aio_readv(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset,
                    uint32_t flags, void *user_data);

/*
 * Writes the buffers of `iov` at `offset`. Their contents are copied before the call returns; the memory is the
 * caller's again. With VDISK_IO_ZERO_COPY they are not, and must stay in place and unchanged until the completion is
 * reaped. Complete does not mean durable, but with VDISK_IO_FUA: see vdisk_aio_flush. Flags: these two.
 *
 * -EROFS  the disk is read-only
 * and as vdisk_aio_readv. The completion's result is -EIO when the range is no longer inside the image because
 * somebody shrank it.
 */
int vdisk_aio_writev(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt,
                     uint64_t offset, uint32_t flags, void *user_data);

/*
 * As vdisk_discard, up to VDISK_MAX_DISCARD bytes. A long range is taken in pieces, one after the other, so that no
 * more than some dozens of the image's objects are worked on at a time. After an error the rest is left as it is.
 *
 * -EAGAIN, -EINVAL, -ESHUTDOWN, -EPERM, -ENOMEM  as vdisk_aio_readv; -EROFS and -EIO  as vdisk_aio_writev
 */
int vdisk_aio_discard(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags,
                      void *user_data);

/* As vdisk_write_zeroes, up to VDISK_MAX_WRITE_ZEROES bytes, and as vdisk_aio_discard. */
int vdisk_aio_write_zeroes(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset,
                           uint32_t flags, void *user_data);

/*
 * As vdisk_compare_and_write. Both buffers are copied before the call returns. With the result -EILSEQ the
 * completion's `value` is the offset on the disk of the first byte that differs.
 *
 * -EOPNOTSUPP  the disk was opened with a cache that keeps data
 * -EAGAIN, -EINVAL, -ESHUTDOWN, -EPERM, -ENOMEM  as vdisk_aio_readv; -EROFS and -EIO  as vdisk_aio_writev
 */
int vdisk_aio_compare_and_write(struct vdisk_queue *queue, struct vdisk *disk, const void *compare, const void *write,
                                uint64_t length, uint64_t offset, uint32_t flags, void *user_data);

/*
 * Makes durable every write to the disk that has completed on any queue, and every one accepted earlier on this queue;
 * zeroes and discards are writes here. So it waits for those of the latter that wait themselves (vdisk_queue_cancel).
 * A failure sticks: see vdisk_acknowledge_loss. `flags` must be 0.
 *
 * -EAGAIN, -EINVAL, -ESHUTDOWN, -EPERM, -ENOMEM  as vdisk_aio_readv
 */
int vdisk_aio_flush(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data);

/*
 * vdisk_reopen on a queue: never blocks. 0: accepted, the result comes with the completion. Operations on the disk that
 * were accepted before come first. Those accepted after wait for it; while the disk is fenced or being reopened, none
 * is.
 *
 * -EAGAIN  the queue is full, or no thread can be started
 */
int vdisk_aio_reopen(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

/*
 * vdisk_invalidate on a queue: never blocks. 0: accepted, the result comes with the completion. `flags` must be 0.
 *
 * -EAGAIN  the queue is full, or no thread can be started
 */
int vdisk_aio_invalidate(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                         struct vdisk_error *err);

/*
 * As vdisk_open, through the queue: the completion's `disk` is the disk, as is *disk then. While it is under way it can
 * be cancelled (vdisk_queue_cancel): if the image is opened all the same, the library closes it. `flags` must be 0.
 *
 * -EAGAIN  the queue is full, or no thread can be started
 * and the errors of vdisk_open that need not ask the cluster; all others are the completion's result
 */
int vdisk_aio_open(struct vdisk_queue *queue, struct vdisk **disk, const struct vdisk_uri *uri,
                   const struct vdisk_open_options *options, uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * vdisk_close_within on a queue. Once it is accepted the disk is not to be used any more, except by the calls that are
 * accepted already: operations on queues are carried out first, requests are waited for. Others are refused with
 * -ESHUTDOWN, another closing among them, as long as there is a disk at all. Given up with
 * vdisk_queue_cancel before its turn, it leaves the disk open. `flags` must be 0. Never blocks.
 *
 * -EAGAIN             the queue is full, or no thread can be started
 * -EINVAL             a pointer is NULL, `timeout_ms` is less than -1, or a flag is set
 * -EPERM              a forked child
 * -ENOMEM             out of memory
 * The disk is still open then. The completion's result is as that of vdisk_close_within.
 */
int vdisk_aio_close(struct vdisk_queue *queue, struct vdisk *disk, int timeout_ms, uint32_t flags, void *user_data,
                    struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
