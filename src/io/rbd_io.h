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

/* Who has the next word on a I/O that was started. Each change is one atomic step, so that one side wins. */
enum vd_rbd_io_state {
    /* Waits for an unsettled write (write_barrier.h). */
    VD_RBD_IO_BLOCKED,
    /* librbd has it, or the disk's background jobs between two steps. */
    VD_RBD_IO_ISSUED,
    /* The result is final. */
    VD_RBD_IO_COMPLETE,
    /* The queue cancels a member of it, in this moment; cancelled all of them, so that it is the disk's; or some. */
    VD_RBD_IO_DETACHING,
    VD_RBD_IO_DETACHED,
    VD_RBD_IO_PARTLY_DETACHED,
};

struct vd_rbd_io;

/* The result is final: whoever waits for it learns of it. On librbd's thread, or one that does background jobs. */
typedef void vd_rbd_io_complete_fn(struct vd_rbd_io *io, int result);

struct vd_rbd_io {
    /* To the queue's mailbox, when it has completed and was not cancelled. */
    struct vd_entry entry;
    struct vd_mailbox *mailbox;
    vd_rbd_io_complete_fn *complete;
    /* The queue's thread's: the requests it is for, in the order of their offsets, less those that were cancelled. */
    struct vd_request *first;
    struct vd_request *last;
    unsigned int members;
    /* Not started yet. */
    bool plugged;

    struct vdisk *disk;
    /* Entered from the submission to the completion. */
    struct vd_view *view;
    uint64_t offset;
    uint64_t length;
    enum vd_request_kind kind;
    enum vd_buffer buffer;
    /* VD_BUFFER_BOUNCE: at least `length` bytes, or twice that where there is something to compare. Else NULL. */
    void *bounce;
    uint64_t bounce_length;
    /* VD_BUFFER_COPIED_BY_LIBRBD and VD_BUFFER_LENT: the request's copy of the caller's array. Else iovcnt is 0. */
    const struct iovec *iov;
    int iovcnt;
    /* VDISK_IO_..., VDISK_WRITE_ZEROES_... */
    uint32_t flags;

    /* Of librbd's, for the call that is under way: `piece` bytes, `done` bytes into the range... */
    rbd_completion_t completion;
    uint64_t piece;
    uint64_t done;
    /* Of a good read: how many bytes librbd delivered; the rest is zeroes. */
    uint64_t valid;
    /* Of a compare-and-write with -EILSEQ: where on the disk the first other byte is. Else 0. */
    uint64_t mismatch;
    /* 0 or a negative errno. */
    int result;
    /* Requests that were cancelled. Belongs to who has the claim. */
    uint32_t cancelled;
    /* One piece is not all there is to do. */
    bool in_steps;
    /* ...or a flush, which covers so much (flush_state.h). */
    bool flushing;
    /* Good ones in a row: see vd_disk_flush. */
    unsigned int flushes;
    /* There will be one, after all pieces. */
    bool flush_after;
    /* Whether it is in the disk's list until it has completed: it waits, or a flush has to wait for it. */
    bool listed;
    /* librbd does not know what will become of the change: `rados_osd_op_timeout` has ended it. */
    bool untracked;
    /* ...and its buffer may still be sent: it goes with the I/O, not back to the pool. */
    bool keeps_buffer;
    uint64_t flush_mark;
    /* To do what the callback cannot. */
    struct vd_background_job job;

    /* enum vd_rbd_io_state */
    _Atomic int state;
    /* The queue and the disk's list of unsettled writes. The last one frees it. */
    _Atomic int references;
    struct vd_ordered ordered;
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
