/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues: asynchronous requests and operations, and one descriptor that tells when some have completed.
 *
 * A queue belongs to one thread at a time: two threads must not use it at once. Different queues are independent of
 * each other. One queue serves any number of disks, and one disk any number of queues. A hypervisor has a queue for
 * each of its I/O threads.
 *
 * A vdisk_aio_... call never blocks. It returns 0 if the request or operation is accepted. That then completes exactly
 * once, later, and never within the call. Otherwise the call returns a negative errno: the request or operation is
 * refused and never completes. A NULL `queue` is refused with -EINVAL.
 *
 * Requests in flight have no order, not even if they overlap. A caller that needs an order waits for the first request
 * to complete.
 *
 * The loop of a caller:
 *
 *   poll(vdisk_queue_get_fd(queue), POLLIN)
 *   n = vdisk_queue_reap(queue, completions, 64)
 *   process the n completions; submit what was waiting for room
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

/* The longest single read or write that a queue accepts, in bytes. */
#define VDISK_MAX_REQUEST 33554432u
/* The longest single discard, and the longest single write of zeroes, that a queue accepts, in bytes. */
#define VDISK_MAX_DISCARD 1073741824u
#define VDISK_MAX_WRITE_ZEROES 1073741824u
/* The greatest depth that a queue can have. */
#define VDISK_MAX_DEPTH 65536u

struct vdisk_queue_options {
    size_t struct_size;
    /* How many requests and operations may be accepted and not yet reaped: up to VDISK_MAX_DEPTH. 0 means 256. */
    uint32_t depth;
    /* Zero. */
    uint32_t reserved;
    /*
     * A bound on the queue's bounce memory, which is the library's memory for the data of requests. In bytes, at least
     * VDISK_MAX_REQUEST. 0 means 64 MiB.
     *
     * The memory is allocated as needed, kept for reuse, and counted in powers of two from 4 KiB. Writes that are sent
     * at once need none, because librbd itself copies them. It does so unless it is configured otherwise
     * (`rbd_disable_zero_copy_writes`).
     */
    uint64_t bounce_bytes;
};

/* Sets every field to its default. `struct_size` is `sizeof *options`. Never blocks. */
void vdisk_queue_options_init(struct vdisk_queue_options *options, size_t struct_size);

/*
 * Creates a queue; free it with vdisk_queue_destroy. `options` may be NULL for the defaults. Never blocks. Any thread
 * may call it. A forked child must not use a queue of its parent, because both would listen to one pipe.
 *
 * -EINVAL      `queue` is NULL, or a field is out of its bounds
 * -E2BIG       `options` sets a field that this libvdisk does not know
 * -EMFILE      this process has no file descriptors left
 * -ENFILE      the system has no file descriptors left
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 */
int vdisk_queue_create(struct vdisk_queue **queue, const struct vdisk_queue_options *options, struct vdisk_error *err);

/*
 * Frees a queue. NULL is accepted. It blocks at most until a thread of Ceph, or of the library, has finished waking the
 * queue. On failure nothing is freed.
 *
 * -EBUSY       requests are unfinished or completions not reaped (vdisk_queue_in_flight), or the final completion of a
 *              watch is not reaped (event.h)
 * -EPERM       called in a forked child
 */
int vdisk_queue_destroy(struct vdisk_queue *queue);

/*
 * Returns the descriptor to poll for POLLIN. It is the same for the queue's life, non-blocking and close-on-exec. It
 * can have any number, so do not use select(). Never blocks.
 *
 * The descriptor is readable whenever a completion can be reaped. It can also be readable when there is none. The
 * caller never reads, writes or closes it.
 *
 * -EINVAL      `queue` is NULL
 */
int vdisk_queue_get_fd(const struct vdisk_queue *queue);

/* This is not the final completion: another one with the same `user_data` will come. */
#define VDISK_COMPLETION_MORE (1u << 0)

/*
 * For control operations that take this flag: report the progress of the operation by completions with
 * VDISK_COMPLETION_MORE. They do not pile up: while one is not reaped, later progress only changes its `value`.
 */
#define VDISK_AIO_PROGRESS (1u << 16)
/* The value that means that the whole operation is done. */
#define VDISK_PROGRESS_WHOLE 1000000u

/*
 * One completion. Its size is 64 bytes and never changes.
 */
struct vdisk_completion {
    /* What the caller gave at submission. */
    void *user_data;
    /* 0 or a negative errno. */
    int32_t result;
    /* VDISK_COMPLETION_... */
    uint32_t flags;
    /* The disk that vdisk_aio_open has opened; NULL otherwise. */
    struct vdisk *disk;
    /*
     * One of these, and 0 otherwise:
     * - the progress of a control operation, out of VDISK_PROGRESS_WHOLE
     * - the events of a watch (event.h)
     * - the offset of the mismatch, when the result of a compare-and-write is -EILSEQ
     */
    uint64_t value;
    /* For the library: copy it with the structure, but do not use it. */
    unsigned char reserved[64 - 2 * sizeof(void *) - 2 * sizeof(uint32_t) - sizeof(uint64_t)];
};

/*
 * Takes up to `max` completions and returns how many it took. Never blocks. Only reaping fills the buffers of
 * finished reads, except with VDISK_IO_ZERO_COPY. If it returns `max` there may be more completions; the descriptor is
 * then still readable.
 *
 * -EINVAL      `queue` is NULL; or `completions` is NULL and `max` is not 0
 * -EPERM       called in a forked child
 */
int vdisk_queue_reap(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max);

/*
 * Gets the sentence that explains why a request or operation failed. `completion` must come from the latest call of
 * vdisk_queue_reap or vdisk_queue_wait on this queue: the next such call drops the sentence. Never blocks.
 *
 * Returns the completion's result, which is 0 if nothing failed, or
 *
 * -EINVAL      an argument is NULL
 */
int vdisk_queue_error(struct vdisk_queue *queue, const struct vdisk_completion *completion, struct vdisk_error *err);

/*
 * Waits for completions and takes them, as vdisk_queue_reap does. It blocks until at least `min` completions are there,
 * or until `timeout_ms` milliseconds have passed (-1: no limit).
 *
 * Returns how many it took. These are fewer than `min` after a timeout, or when fewer can still complete. So a call on
 * an idle queue returns 0 at once. With a watch (event.h) there can always be more.
 *
 * Signals do not end the wait. The thread sleeps once for all `min` completions, however far apart they come.
 *
 * -EINVAL      as for vdisk_queue_reap; or `min` is greater than `max`, or `timeout_ms` is less than -1
 * -EPERM       called in a forked child
 */
int vdisk_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                     unsigned int max, int timeout_ms);

/*
 * vdisk_queue_plug starts to gather small requests so that they can be merged; vdisk_queue_unplug sends them. In
 * between, reads and writes that are accepted are not sent to Ceph. Those that are adjacent on a disk are merged into
 * one, up to the size of an object. Many small requests then cost little more than one large request.
 *
 * Each merged request still has its own completion and its own deadline, and can be cancelled by itself. Merged
 * requests share their result. The natural time to plug is after a reap, until the submissions that follow it are done.
 *
 * These requests are not gathered but sent at once: zero-copy requests, those with VDISK_IO_FUA, and all kinds except
 * reads and writes.
 *
 * Besides vdisk_queue_unplug, these calls send what has been gathered:
 * - a request that is refused with -EAGAIN
 * - a flush, or any request with VDISK_IO_FUA; so nothing is merged across it
 * - vdisk_queue_wait with a `min` of more than 0
 * - vdisk_queue_drain
 * - vdisk_queue_cancel of a request that is gathered
 * - reaping or waiting when a gathered request has expired
 *
 * Reaping alone sends nothing, and no poll of the descriptor waits for a request that is gathered. While a write is
 * indeterminate, requests to its disk are not gathered.
 *
 * The calls nest: the last unplug sends. Neither call blocks.
 *
 * -EINVAL      `queue` is NULL; or, for vdisk_queue_unplug, the queue is not plugged
 * -EPERM       called in a forked child
 */
int vdisk_queue_plug(struct vdisk_queue *queue);
int vdisk_queue_unplug(struct vdisk_queue *queue);

/*
 * Cancels every unfinished request, operation and watch with this `user_data`, and returns how many. Each completes
 * with -ECANCELED, in the next reap. From this call on the memory of a cancelled request is not touched. Never blocks.
 *
 * A request that Ceph already has goes on there, detached from its caller. The data of a detached read is dropped. A
 * detached write is indeterminate: it may still reach the image, or not (vdisk_info.indeterminate_writes). Later
 * requests to the disk that overlap its range, reads too, wait until it has settled, and are sent then. So a retry is
 * never overtaken by the write that it replaces. If the client is fenced while they wait, they complete with
 * -ESHUTDOWN.
 *
 * Detached requests count neither for the queue's depth nor as in flight, so the queue can be destroyed. vdisk_info
 * counts them, and closing the disk waits for them.
 *
 * All of this also holds for a request that expires (vdisk_open_options.io_timeout_ms). A write that Ceph itself ends
 * with -ETIMEDOUT (`rados_osd_op_timeout`) is indeterminate, too. It stays so until this client is fenced
 * (vdisk_reopen). Requests that overlap its range wait for that without a limit of their own: set
 * vdisk_open_options.io_timeout_ms, or cancel them.
 *
 * An operation can be cancelled until it starts to run. These can also be cancelled while they run: vdisk_aio_open,
 * vdisk_aio_extents and vdisk_aio_diff. If the image of a cancelled vdisk_aio_open is opened all the same, the library
 * closes it.
 *
 * A positive result does not mean that everything with this `user_data` was cancelled. A running operation or a
 * zero-copy request may go on, and its memory stays lent until its own completion.
 *
 * -ENOENT      there is nothing unfinished with this `user_data`
 * -EBUSY       nothing with this `user_data` can be cancelled: there are only operations that run, and zero-copy
 *              requests that Ceph already has
 * -EINVAL      `queue` is NULL
 * -EPERM       called in a forked child
 */
int vdisk_queue_cancel(struct vdisk_queue *queue, const void *user_data);

/*
 * Blocks until no request or operation of the queue is unfinished. The completions stay to be reaped. The call does not
 * wait for watches (event.h).
 *
 * -EINVAL      `queue` is NULL
 * -EPERM       called in a forked child
 */
int vdisk_queue_drain(struct vdisk_queue *queue);

/*
 * Returns how many requests and operations are accepted and not yet reaped. Watches do not count. 0 for a NULL queue.
 * Never blocks.
 */
unsigned int vdisk_queue_in_flight(const struct vdisk_queue *queue);

/*
 * Reads at `offset` of the disk into the buffers of `iov`. Flags: VDISK_IO_ZERO_COPY.
 *
 * The array is copied. The buffers are lent to the library until the completion is reaped, even if the disk is closed
 * before that. When the read fails the buffers are left as they were. With VDISK_IO_ZERO_COPY Ceph's threads write to
 * the buffers, also when the read then fails. If the image has been shrunk meanwhile, zeroes are read beyond its end.
 *
 * -EAGAIN      the queue is full, or out of bounce memory. Reaping makes room; the descriptor becomes readable when
 *              there is something to reap
 * -EINVAL      a pointer is NULL, a flag is unknown, `iovcnt` is not from 0 to IOV_MAX (1024), or the lengths overflow.
 *              Or the range is longer than VDISK_MAX_REQUEST or not inside the image (vdisk_get_size)
 * -ESHUTDOWN   the disk is closing or fenced
 * -ENOBUFS     Ceph still has about a thousand detached requests to the disk, or 256 MiB of their data. Or about a
 *              thousand writes are indeterminate (vdisk_queue_cancel)
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 *
 * The completion's result can be:
 *
 * -ETIMEDOUT   vdisk_open_options.io_timeout_ms has passed, or `rados_osd_op_timeout`
 * -ECANCELED   the request was cancelled (vdisk_queue_cancel)
 * -ESHUTDOWN   the cluster has fenced this client. The disk is fenced from then on: it refuses every request and every
 *              control operation except reopening and closing with -ESHUTDOWN, until vdisk_reopen. These still work:
 *              vdisk_get_info, vdisk_get_size, vdisk_acknowledge_loss, vdisk_aio_watch
 * (any other)  any error of librbd
 */
int vdisk_aio_readv(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset,
                    uint32_t flags, void *user_data);

/*
 * Writes the buffers of `iov` at `offset`. Flags: VDISK_IO_ZERO_COPY, VDISK_IO_FUA.
 *
 * The data is copied before the call returns, and the memory is then the caller's again. With VDISK_IO_ZERO_COPY it is
 * not copied: the memory must stay in place and unchanged until the completion is reaped. A write that is complete is
 * durable only with VDISK_IO_FUA: otherwise see vdisk_aio_flush.
 *
 * -EROFS       the disk is read-only
 * (any other)  as vdisk_aio_readv
 *
 * The completion's result can be:
 *
 * -EIO         the range is no longer inside the image, because somebody has shrunk the image
 * (any other)  as vdisk_aio_readv
 */
int vdisk_aio_writev(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt,
                     uint64_t offset, uint32_t flags, void *user_data);

/*
 * vdisk_discard on a queue, for up to VDISK_MAX_DISCARD bytes. A long range is done in pieces, one after the other, so
 * that no more than some dozens of the image's objects are worked on at a time. After an error the rest of the range is
 * left as it is.
 *
 * -EINVAL      the range is longer than VDISK_MAX_DISCARD; or as vdisk_aio_readv
 * (any other)  as vdisk_aio_writev, as is the completion's result
 */
int vdisk_aio_discard(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags,
                      void *user_data);

/*
 * vdisk_write_zeroes on a queue, for up to VDISK_MAX_WRITE_ZEROES bytes. A long range is done in pieces, as by
 * vdisk_aio_discard.
 *
 * -EINVAL      the range is longer than VDISK_MAX_WRITE_ZEROES; or as vdisk_aio_readv
 * (any other)  as vdisk_aio_writev, as is the completion's result
 */
int vdisk_aio_write_zeroes(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset,
                           uint32_t flags, void *user_data);

/*
 * vdisk_compare_and_write on a queue. Both buffers are copied before the call returns. If the result is -EILSEQ, the
 * completion's `value` is the offset on the disk of the first byte that differs.
 *
 * -EINVAL      the range crosses a boundary (vdisk_info.compare_and_write_boundary); or as vdisk_aio_readv
 * -EOPNOTSUPP  the disk was opened with a cache that keeps data
 * (any other)  as vdisk_aio_writev, as is the completion's result
 */
int vdisk_aio_compare_and_write(struct vdisk_queue *queue, struct vdisk *disk, const void *compare, const void *write,
                                uint64_t length, uint64_t offset, uint32_t flags, void *user_data);

/*
 * Makes writes to the disk durable: every write that has completed on any queue, and every write that was accepted
 * earlier on this queue. Zeroes and discards are writes here. It also waits for earlier writes on this queue that are
 * blocked by a cancelled one (vdisk_queue_cancel). A failure sticks: see vdisk_acknowledge_loss. `flags` must be 0.
 *
 * -EAGAIN      the queue is full
 * -EINVAL      a pointer is NULL or a flag is set
 * -ESHUTDOWN   the disk is closing or fenced
 * -ENOBUFS     as vdisk_aio_readv
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 *
 * The completion's result can be that of vdisk_aio_readv, or an earlier error that is not acknowledged.
 */
int vdisk_aio_flush(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data);

/*
 * vdisk_reopen on a queue. Never blocks. 0 means that the operation is accepted; its result comes with the completion.
 * Operations on the disk that were accepted before run first. On a fenced disk, only reopening and closing are accepted
 * until it has succeeded. On a disk that is not fenced, operations accepted after it wait for it, and fail with
 * -ESHUTDOWN if it fails late (vdisk_reopen).
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of vdisk_reopen that is known at once
 */
int vdisk_aio_reopen(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                     struct vdisk_error *err);

/*
 * vdisk_invalidate on a queue. Never blocks. 0 means that the operation is accepted; its result comes with the
 * completion. `flags` must be 0.
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of vdisk_invalidate that is known at once
 */
int vdisk_aio_invalidate(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                         struct vdisk_error *err);

/*
 * vdisk_open on a queue. Never blocks. 0 means that the operation is accepted; its result comes with the completion.
 * `flags` must be 0. `uri` and `options` are copied.
 *
 * *disk is set to NULL at once. When the completion is reaped, its `disk` and *disk are set to the opened disk; until
 * then *disk must stay in place. The operation can be cancelled while it runs (vdisk_queue_cancel). If the image is
 * opened all the same, the library closes it.
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of vdisk_open that can be found without the cluster; all others are the completion's result
 */
int vdisk_aio_open(struct vdisk_queue *queue, struct vdisk **disk, const struct vdisk_uri *uri,
                   const struct vdisk_open_options *options, uint32_t flags, void *user_data, struct vdisk_error *err);

/*
 * vdisk_close_within on a queue. Never blocks. 0 means that the operation is accepted. Its result, which comes with the
 * completion, is that of vdisk_close_within. `flags` must be 0. After the completion the disk is gone or must not be
 * used any more, whatever the result is, except -ECANCELED: then it is still open.
 *
 * Once it is accepted, do not use the disk any more. Operations on queues that are accepted already are carried out
 * first, and requests are waited for. Control operations, another close among them, are refused with -ESHUTDOWN from
 * then on; requests are refused as soon as the close runs. If it is cancelled with vdisk_queue_cancel before it starts
 * to run, the disk stays open.
 *
 * After these errors of the call itself the disk is still open:
 *
 * -EINVAL      a pointer is NULL, `timeout_ms` is less than -1, or a flag is set
 * -EAGAIN      the queue is full, or no thread can be started
 * -EBUSY       a queue is plugged with requests to the disk (vdisk_queue_plug)
 * -ESHUTDOWN   another close of the disk is accepted already
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 */
int vdisk_aio_close(struct vdisk_queue *queue, struct vdisk *disk, int timeout_ms, uint32_t flags, void *user_data,
                    struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
