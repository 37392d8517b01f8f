/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of a request that librbd has: the range, the memory, the steps and the result. Requests that a plug has
 * merged share one (plug.h); they are its members. The caller's part of a request is in request.h. When a request is
 * cancelled while librbd has its I/O, the caller's part ends, and the I/O belongs to the disk until librbd reports.
 */
#ifndef VD_RBD_IO_H
#define VD_RBD_IO_H

#include <rbd/librbd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <vdisk/io.h>

#include "disk/disk.h"
#include "disk/view.h"
#include "disk/write_barrier.h"
#include "thread/background.h"
#include "thread/entry.h"
#include "thread/mailbox.h"

struct vd_request;

/* Reads and writes come first, because they usually take a single call of librbd: see vd_rbd_io_prepare. */
enum vd_request_kind {
    VD_REQUEST_READ,
    VD_REQUEST_WRITE,
    VD_REQUEST_FLUSH,
    VD_REQUEST_DISCARD,
    VD_REQUEST_WRITE_ZEROES,
    VD_REQUEST_COMPARE_AND_WRITE,
};

/*
 * How an I/O's data gets between the caller's memory and librbd. choose_buffer in request.c decides it, once, when the
 * I/O's first request is prepared. All other code reads the decision.
 */
enum vd_buffer {
    /* No data moves: the range is empty, or the kind of request has no data. */
    VD_BUFFER_NONE,
    /*
     * The data goes through a bounce buffer: a write's is gathered at submission, a read's is scattered when the
     * request is reaped. librbd never uses the caller's memory, so the I/O can be blocked, merged with others, and
     * detached. The I/Os of a plug need this: librbd is called for them only after the submitting calls have returned.
     * A durable write of several buffers uses it too, because librbd can make only a single buffer durable in one step.
     */
    VD_BUFFER_BOUNCE,
    /*
     * librbd copies a write's data from the caller's memory before its call returns, so gathering would copy twice. The
     * write must therefore start at once: it cannot wait in a plug or behind the write barrier.
     */
    VD_BUFFER_COPIED_BY_LIBRBD,
    /*
     * VDISK_IO_ZERO_COPY: librbd uses the caller's memory until the I/O completes. Such an I/O cannot be cancelled once
     * librbd has it, since librbd would go on using memory that the caller has back.
     */
    VD_BUFFER_LENT,
};

/*
 * The states of an I/O, from its start to its final result. Each change is one atomic operation on `state`, so when a
 * cancel meets the completion, exactly one of the two threads wins. rbd_io_state.c makes all changes.
 *
 *                     vd_rbd_io_start (Q)
 *                             |
 *               blocked       |       not blocked
 *          +------------------+------------------+
 *          v                                     v
 *     +---------+       unblocked (B)        +--------+
 *     | BLOCKED | -------------------------> | ISSUED | -----------------------+
 *     +---------+                            +--------+                        |
 *          |                                     | a member is cancelled (Q)   |
 *          |                                     v                             |
 *          | its member                    +-----------+                       |
 *          | is cancelled (Q)              | DETACHING | --------------+       |
 *          |                               +-----------+               |       |
 *          |               others remain (Q) |   ^   | none remains (Q)|       |
 *          |                                 v   |   v                 |       |
 *          |                   +-----------------+   +----------+      |       |
 *          |                   | PARTLY_DETACHED |   | DETACHED |      |       |
 *          |                   +-----------------+   +----------+      |       |
 *          |                           |                   |           |       |
 *          |                           | (C)               | (C)       | (C)   | (C)
 *          v                           v                   v           v       v
 *     +----------------------------------------------------------------------------+
 *     |                                  COMPLETE                                  |
 *     +----------------------------------------------------------------------------+
 *
 * The threads: (Q) is the queue's thread. (B) is a background job that runs vd_write_barrier_unblock. (C) is the thread
 * that calls vd_rbd_io_complete: librbd's thread, a background job, or the queue's thread when librbd is not needed or
 * does not take the call. The arrow up is a further cancel of a merged I/O (Q).
 *
 * The view stays entered in every state but COMPLETE. The bounce buffer is the queue's in every state but DETACHED.
 */
enum vd_rbd_io_state {
    /* The write barrier lists the I/O, and librbd does not have it. It has one member. */
    VD_RBD_IO_BLOCKED,
    /* librbd has the I/O, or a background job is about to make its next step. All members wait for the result. */
    VD_RBD_IO_ISSUED,
    /*
     * The queue's thread is taking a cancelled member away: it counts it at the disk, and adds a change to the write
     * barrier. The I/O's list of members still has it.
     */
    VD_RBD_IO_DETACHING,
    /* No members are left. The I/O and its bounce buffer are the disk's, and no longer count in the queue's pool. */
    VD_RBD_IO_DETACHED,
    /* Some members were cancelled. The others wait for the result, and the bounce buffer is still the queue's. */
    VD_RBD_IO_PARTLY_DETACHED,
    /*
     * The result is final. What happens next depends on the state before:
     *
     * - BLOCKED: the queue's thread leaves the view and posts no entry. The I/O stays the queue's, with its bounce
     *   buffer, until the cancelled member is reaped.
     * - ISSUED: the completing thread posts the entry, then leaves the view. From the post on, the I/O is the queue's;
     *   reaping a member scatters a read from the bounce buffer.
     * - PARTLY_DETACHED: the same for the members that remain. The write of the cancelled ones settles.
     * - DETACHED: the completing thread frees the bounce buffer and the I/O, then leaves the view.
     * - DETACHING: the completing thread does nothing more. The queue's thread finds the state changed and does the
     *   rest, as after PARTLY_DETACHED or DETACHED.
     *
     * When librbd does not know the outcome of a change, the write barrier keeps the I/O until the client is fenced.
     */
    VD_RBD_IO_COMPLETE,
};

struct vd_rbd_io;

/*
 * Called when the result is final, on librbd's thread or in a background job. It is vd_rbd_io_complete; a pointer, so
 * that rbd_io.c does not depend on rbd_io_state.c.
 */
typedef void vd_rbd_io_complete_fn(struct vd_rbd_io *io, int result);

struct vd_rbd_io {
    /* The queue's side: where the entry is posted, and the members. Only the queue's thread uses the members. */
    struct vd_entry entry;
    struct vd_mailbox *mailbox;
    vd_rbd_io_complete_fn *complete;
    /* In the order of their offsets, without those that were cancelled. */
    struct vd_request *first;
    struct vd_request *last;
    unsigned int members;
    /* Waits in a plug, and is not started. */
    bool plugged;

    /* The range: what is done, and where. Constant from the start on. */
    enum vd_request_kind kind;
    struct vdisk *disk;
    /* Entered from the submission to the completion. */
    struct vd_view *view;
    uint64_t offset;
    uint64_t length;
    /* VDISK_IO_..., VDISK_WRITE_ZEROES_... */
    uint32_t flags;

    /* The memory that librbd reads or writes. */
    enum vd_buffer buffer;
    /* VD_BUFFER_BOUNCE: at least `length` bytes, or twice that where there is something to compare. Else NULL. */
    void *bounce;
    uint64_t bounce_length;
    /* VD_BUFFER_COPIED_BY_LIBRBD and VD_BUFFER_LENT: the request's copy of the caller's array. Else iovcnt is 0. */
    const struct iovec *iov;
    int iovcnt;

    /* The progress: librbd's present call is for `piece` bytes, `done` bytes into the range. */
    rbd_completion_t completion;
    /* Makes the next call, or asks for the image's size: librbd's thread can do neither. */
    struct vd_background_job job;
    uint64_t flush_mark;
    uint64_t piece;
    uint64_t done;
    /* How many calls of rbd_aio_flush in a row have succeeded: see vd_disk_flush. */
    unsigned int flushes;
    /* More than one call is needed, or a flush. */
    bool in_steps;
    /* The present call is a flush, which covers the writes up to `flush_mark` (flush_state.h). */
    bool flushing;
    /* A flush follows the last piece, to make it durable. */
    bool flush_after;
    /* The write barrier lists it, as blocked or because a flush has to wait for it. */
    bool listed;

    /* The outcome. `untracked`: `rados_osd_op_timeout` has ended a change, so librbd does not know its effect. */
    bool untracked;
    /* The messenger may then still send from the bounce buffer, which is freed with the I/O and not reused. */
    bool keeps_buffer;
    /* 0 or a negative errno. */
    int result;
    /* How many members were cancelled. Written by the queue's thread in DETACHING, read when the I/O settles. */
    uint32_t cancelled;
    /* After a successful read: how many bytes librbd has delivered. The rest is zeroes. */
    uint64_t valid;
    /* After a compare-and-write with -EILSEQ: the offset on the disk of the first byte that differs. Else 0. */
    uint64_t mismatch;

    /* The ownership. `state`: enum vd_rbd_io_state. */
    _Atomic int state;
    /* The queue or the disk has one, the write barrier another while it lists an untracked write. The last frees. */
    _Atomic int references;
    struct vd_ordered ordered;
    /* In the write barrier, if the I/O is an indeterminate write. */
    struct vd_indeterminate_write write;
};

/* Whether the caller's buffers hold data for the disk. */
static inline bool vd_rbd_io_takes_data(enum vd_request_kind kind)
{
    return (1u << kind) & (1u << VD_REQUEST_WRITE | 1u << VD_REQUEST_COMPARE_AND_WRITE);
}

/* Whether it changes data on the disk. */
static inline bool vd_rbd_io_changes(enum vd_request_kind kind)
{
    return kind != VD_REQUEST_READ && kind != VD_REQUEST_FLUSH;
}

/* Whether a long one is cut into pieces, each of which is one call of librbd. */
static inline bool vd_rbd_io_in_pieces(enum vd_request_kind kind)
{
    return kind == VD_REQUEST_DISCARD || kind == VD_REQUEST_WRITE_ZEROES;
}

/* Returns a new I/O whose entry goes to `mailbox` and for which `complete` is called. NULL: out of memory. */
struct vd_rbd_io *vd_rbd_io_new(struct vd_mailbox *mailbox, vd_rbd_io_complete_fn *complete);

/* Drops a reference. The last one frees the I/O and its bounce buffer. Any thread. */
void vd_rbd_io_put(struct vd_rbd_io *io);

/* Whether the queue has the only reference, so that it can use the I/O again. */
static inline bool vd_rbd_io_is_free(const struct vd_rbd_io *io)
{
    /* Acquire: pairs with the release in vd_rbd_io_put; the other owner no longer uses the I/O. */
    return atomic_load_explicit(&io->references, memory_order_acquire) == 1;
}

/*
 * Whether no request waits for the I/O any more. A hint, and only for I/Os with one member, where DETACHING always
 * leads to DETACHED.
 */
static inline bool vd_rbd_io_is_detached(const struct vd_rbd_io *io)
{
    /* Relaxed: the answer only saves calls of librbd; no other data is read by it. */
    int state = atomic_load_explicit(&io->state, memory_order_relaxed);

    return state == VD_RBD_IO_DETACHING || state == VD_RBD_IO_DETACHED;
}

/* Plans the first step of an I/O that may need several. For vd_rbd_io_prepare. */
void vd_rbd_io_plan(struct vd_rbd_io *io);

/* Resets the progress and the outcome before the start. For rbd_io_state.c. */
static inline void vd_rbd_io_prepare(struct vd_rbd_io *io)
{
    io->piece = io->length;
    io->done = 0;
    io->valid = 0;
    io->mismatch = 0;
    io->result = 0;
    io->cancelled = 0;
    io->in_steps = false;
    io->flushing = false;
    io->flush_after = false;
    io->listed = false;
    io->untracked = false;
    io->keeps_buffer = false;
    if (io->kind > VD_REQUEST_WRITE || io->flags & VDISK_IO_FUA)
        vd_rbd_io_plan(io);
}

/*
 * Makes the next call of librbd. Its callback makes further calls as needed, and completes the I/O in the end. Returns
 * 0, or a negative errno when librbd did not take the call.
 */
int vd_rbd_io_step(struct vd_rbd_io *io);

#endif
