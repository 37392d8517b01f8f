/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The part of a request, or of several that were merged (plug.h), that librbd knows: what it is to do, in how many
 * steps, in which memory of ours, and what came of it. The part that knows the caller is in request.h. The two can
 * part: when a request is cancelled while librbd has its I/O, the I/O becomes the disk's, and the caller's part is
 * over.
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

/* The first two can be done in one step, unless they are to be durable. */
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

/* The result is final: whoever waits for it learns of it. On librbd's thread, or one that does background jobs. */
typedef void vd_rbd_io_complete_fn(struct vd_rbd_io *io, int result);

struct vd_rbd_io {
    /* The queue's side: where the entry is posted, and the requests that wait for it. Only its thread uses the list. */
    struct vd_entry entry;
    struct vd_mailbox *mailbox;
    vd_rbd_io_complete_fn *complete;
    /* The members in the order of their offsets, without those that were cancelled. */
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

    /* The outcome. `untracked`: librbd does not know what a change has done: `rados_osd_op_timeout` has ended it. */
    bool untracked;
    /* The messenger may then still send from the bounce buffer, which is freed with the I/O and not reused. */
    bool keeps_buffer;
    /* 0 or a negative errno. */
    int result;
    /* How many members were cancelled. The queue's thread writes it in DETACHING; whoever settles the I/O reads it. */
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

/* Whether what is in the caller's buffers goes to the disk; whether it changes data. */

static inline bool vd_rbd_io_takes_data(enum vd_request_kind kind)
{
    return (1u << kind) & (1u << VD_REQUEST_WRITE | 1u << VD_REQUEST_COMPARE_AND_WRITE);
}

static inline bool vd_rbd_io_changes(enum vd_request_kind kind)
{
    return kind != VD_REQUEST_READ && kind != VD_REQUEST_FLUSH;
}

/* What is cut into pieces when it is long. */
static inline bool vd_rbd_io_in_pieces(enum vd_request_kind kind)
{
    return kind == VD_REQUEST_DISCARD || kind == VD_REQUEST_WRITE_ZEROES;
}

/* A I/O whose entries go to `mailbox`, and that `complete` is called for. NULL: out of memory. */
struct vd_rbd_io *vd_rbd_io_new(struct vd_mailbox *mailbox, vd_rbd_io_complete_fn *complete);

/* Gives up one owner's share; the bounce buffer goes with the last. */
void vd_rbd_io_put(struct vd_rbd_io *io);

/* Whether the queue is the only owner, so that it can use the I/O again. */
static inline bool vd_rbd_io_is_free(const struct vd_rbd_io *io)
{
    /* Acquire: the other owner is done with it. */
    return atomic_load_explicit(&io->references, memory_order_acquire) == 1;
}

/* A hint: nobody waits for the I/O any more. */
static inline bool vd_rbd_io_is_detached(const struct vd_rbd_io *io)
{
    /* Relaxed: only whether it pays to go on. */
    int state = atomic_load_explicit(&io->state, memory_order_relaxed);

    return state == VD_RBD_IO_DETACHING || state == VD_RBD_IO_DETACHED;
}

/* For fate.c, before the start: works out the first step. */
void vd_rbd_io_plan(struct vd_rbd_io *io);
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
 * Makes the next call of librbd, from which the I/O comes back by itself, and completes in the end (rbd_io_state.h). A
 * negative errno: librbd did not take it.
 */
int vd_rbd_io_step(struct vd_rbd_io *io);

#endif
