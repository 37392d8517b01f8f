/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of a I/O besides what librbd makes of it: it may have to wait before it starts, be cancelled on the
 * way, and complete with nobody waiting for it any more.
 */
#include "io/rbd_io_state.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/container.h"

/* Completion. */

/*
 * Of a change that librbd has lost sight of. librbd is done with the buffer; but where it does not copy what it writes,
 * the messenger may still be about to send it, and must not find other bytes there.
 */
static bool keep_buffer(struct vd_rbd_io *io)
{
    if (io->buffer != VD_BUFFER_BOUNCE || io->disk->limits.copies_writes)
        return false;
    io->keeps_buffer = true;
    vd_disk_note_kept(io->disk, io->bounce_length);
    return true;
}

/* Of a I/O that is the disk's and has completed. From leaving the view on, the disk can go. */
static void end_detached(struct vd_rbd_io *io)
{
    struct vd_view *view = io->view;
    struct vdisk *disk = io->disk;
    bool any_blocked = false;

    vd_disk_note_settled(disk, io->cancelled, io->bounce_length);
    if (io->untracked) {
        /* It may be long until somebody fences the client. */
        if (!keep_buffer(io)) {
            free(io->bounce);
            io->bounce = NULL;
        }
        any_blocked = vd_write_barrier_untrack(&disk->write_barrier, &io->write);
    } else {
        if (vd_rbd_io_changes(io->kind))
            any_blocked = vd_write_barrier_remove(&disk->write_barrier, &io->write);
        vd_rbd_io_put(io);
    }
    if (any_blocked)
        vd_disk_unblock(disk);
    vd_view_leave(view);
}

static void free_write(struct vd_indeterminate_write *write)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(write, struct vd_rbd_io, write);

    if (io->keeps_buffer)
        vd_disk_note_settled(io->disk, 0, io->bounce_length);
    vd_rbd_io_put(io);
}

static void add_indeterminate(struct vd_rbd_io *io, bool tracked)
{
    io->write = (struct vd_indeterminate_write){
        .offset = io->offset, .length = io->length, .tracked = tracked, .free = free_write};
    vd_write_barrier_add(&io->disk->write_barrier, &io->write);
}

/* Before anything else is done with what completed: from then on the I/O, or the disk, can go. */
static void leave_barrier(struct vd_rbd_io *io)
{
    if (vd_write_barrier_unlist(&io->disk->write_barrier, &io->ordered))
        vd_disk_unblock(io->disk);
}

/* Of a I/O that has completed, for some of its requests: the write of the others has settled. */
static void end_partly_detached(struct vd_rbd_io *io)
{
    struct vdisk *disk = io->disk;
    bool any_blocked = false;

    vd_disk_note_settled(disk, io->cancelled, 0);
    if (io->untracked) {
        keep_buffer(io);
        atomic_fetch_add_explicit(&io->references, 1, memory_order_relaxed);
        any_blocked = vd_write_barrier_untrack(&disk->write_barrier, &io->write);
    } else if (vd_rbd_io_changes(io->kind)) {
        any_blocked = vd_write_barrier_remove(&disk->write_barrier, &io->write);
    }
    if (any_blocked)
        vd_disk_unblock(disk);
}

/* From the post on, the I/O is the queue's; from leaving the view on, the disk can go. */
static void post(struct vd_rbd_io *io)
{
    struct vd_view *view = io->view;

    vd_mailbox_post(io->mailbox, &io->entry.node);
    vd_view_leave(view);
}

/* Of a I/O that was cancelled by some or all, or whose outcome librbd does not know. */
VD_COLD static void complete_uncommon(struct vd_rbd_io *io, int before)
{
    switch (before) {
    case VD_RBD_IO_DETACHED:
        end_detached(io);
        return;
    case VD_RBD_IO_DETACHING:
        /* The queue's thread comes upon it. */
        return;
    case VD_RBD_IO_PARTLY_DETACHED:
        end_partly_detached(io);
        break;
    default:
        if (!io->untracked)
            break;
        keep_buffer(io);
        /* Before anybody can learn of it. Relaxed: the list's lock publishes it. */
        atomic_fetch_add_explicit(&io->references, 1, memory_order_relaxed);
        add_indeterminate(io, false);
    }
    post(io);
}

/* The result is final. */
void vd_rbd_io_complete(struct vd_rbd_io *io, int result)
{
    int before;

    if (io->listed)
        leave_barrier(io);
    io->result = result;
    /*
     * Release: a queue's thread that finds it completed, while giving it up, sees the result. Acquire: whoever
     * completes a I/O that was cancelled sees what the queue's thread has entered.
     */
    before = atomic_exchange_explicit(&io->state, VD_RBD_IO_COMPLETE, memory_order_acq_rel);
    if (before != VD_RBD_IO_ISSUED || io->untracked)
        complete_uncommon(io, before);
    else
        post(io);
}

/* Holding. */

static bool unblock_ordered(struct vd_ordered *ordered)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(ordered, struct vd_rbd_io, ordered);
    int before = VD_RBD_IO_BLOCKED;

    /* Acquire: whoever lets it go sees what the queue's thread has prepared. */
    return atomic_compare_exchange_strong_explicit(&io->state, &before, VD_RBD_IO_ISSUED, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void start_ordered(struct vd_ordered *ordered, int result)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(ordered, struct vd_rbd_io, ordered);
    int r = vd_rbd_io_is_detached(io) ? -ECANCELED : result;

    if (r == 0)
        r = vd_rbd_io_step(io);
    if (r < 0)
        vd_rbd_io_complete(io, r);
}

/*
 * With the list's lock held, as is the lock of whoever lets go those that may not wait any more: so either that one
 * finds the I/O in the list, or it is found out here that it may not wait.
 */
static int check_may_wait(struct vd_ordered *ordered, bool is_stuck)
{
    const struct vd_rbd_io *io = VD_CONTAINER_OF(ordered, struct vd_rbd_io, ordered);

    if (vd_disk_is_fenced(io->disk))
        return -ESHUTDOWN;
    /* What only fencing settles would keep a disk that is to be closed, or reopened, waiting for ever. */
    return is_stuck && (vd_disk_is_closing(io->disk) || vd_disk_refuses_all(io->disk)) ? -ESHUTDOWN : 0;
}

static void describe_to_barrier(struct vd_rbd_io *io)
{
    io->ordered = (struct vd_ordered){
        .owner = io->mailbox,
        .offset = io->offset,
        .length = io->length,
        .is_write = vd_rbd_io_changes(io->kind),
        .is_flush = io->kind == VD_REQUEST_FLUSH,
        .refusal = check_may_wait,
        .unblock = unblock_ordered,
        .start = start_ordered,
    };
}

/* 1: it is held. 0: it need not be. Or a negative errno. */
static int block(struct vd_rbd_io *io)
{
    int r;

    describe_to_barrier(io);
    /* Relaxed: the lock of the list publishes it. */
    io->listed = true;
    atomic_store_explicit(&io->state, VD_RBD_IO_BLOCKED, memory_order_relaxed);
    r = vd_write_barrier_block(&io->disk->write_barrier, &io->ordered);
    if (r > 0)
        return r;
    io->listed = false;
    atomic_store_explicit(&io->state, VD_RBD_IO_ISSUED, memory_order_relaxed);
    return r;
}

/* What librbd gets in pieces, a flush accepted after it would overtake. */
static void list_if_cut(struct vd_rbd_io *io)
{
    if (io->piece == io->length)
        return;
    describe_to_barrier(io);
    io->listed = true;
    vd_write_barrier_list(&io->disk->write_barrier, &io->ordered);
}

/* Whether the result is known without librbd. */
static bool needs_no_librbd(struct vd_rbd_io *io)
{
    if (io->kind != VD_REQUEST_FLUSH)
        return io->length == 0;
    io->result = vd_flush_state_error(&io->disk->flush_state);
    return io->disk->limits.read_only || io->result < 0;
}

/*
 * Merged requests, and those whose data is still the caller's, are not held: they were accepted before the write that
 * they would wait for was cancelled, or this would not have become of them. Nobody promised an order then.
 */
static bool can_be_blocked(const struct vd_rbd_io *io)
{
    return io->members == 1 && io->buffer != VD_BUFFER_COPIED_BY_LIBRBD;
}

VD_NOINLINE static int start_uncommon(struct vd_rbd_io *io)
{
    int r = 0;

    if (needs_no_librbd(io)) {
        vd_rbd_io_complete(io, io->result);
        return 0;
    }
    if (vd_write_barrier_any(&io->disk->write_barrier) && can_be_blocked(io))
        r = block(io);
    if (r != 0)
        return r < 0 ? r : 0;
    list_if_cut(io);
    r = vd_rbd_io_step(io);
    if (r < 0 && io->listed)
        leave_barrier(io);
    return r;
}

int vd_rbd_io_start(struct vd_rbd_io *io)
{
    /* Relaxed: until it is started, the queue's thread has it for itself. */
    atomic_store_explicit(&io->state, VD_RBD_IO_ISSUED, memory_order_relaxed);
    vd_rbd_io_prepare(io);
    /* Most I/Os have something to do, have it done in one step, and nothing to wait for. */
    if (!io->in_steps && io->length > 0 && !vd_write_barrier_any(&io->disk->write_barrier))
        return vd_rbd_io_step(io);
    return start_uncommon(io);
}

void vd_rbd_io_start_accepted(struct vd_rbd_io *io)
{
    int r = vd_rbd_io_start(io);

    if (r < 0)
        vd_rbd_io_complete(io, r);
}

/* Cancelling. */

static bool change_state(struct vd_rbd_io *io, int from, int to)
{
    /* Acquire and release: as in complete. */
    return atomic_compare_exchange_strong_explicit(&io->state, &from, to, memory_order_acq_rel, memory_order_acquire);
}

/* The view is entered until this has left it, so that the disk is there. */
static void end_blocked(struct vd_rbd_io *io)
{
    leave_barrier(io);
    vd_view_leave(io->view);
}

/* Of a I/O whose claim the queue's thread has taken. Whoever completes it leaves the view only after this. */
static enum vd_cancel_outcome detach_member(struct vd_rbd_io *io, bool is_first)
{
    bool is_last = io->members == 1;

    io->cancelled++;
    vd_disk_note_detached(io->disk, is_last ? io->bounce_length : 0);
    if (is_first && vd_rbd_io_changes(io->kind))
        add_indeterminate(io, true);
    if (is_last) {
        if (!change_state(io, VD_RBD_IO_DETACHING, VD_RBD_IO_DETACHED))
            end_detached(io);
        return VD_CANCELLED_DETACHED;
    }
    if (!change_state(io, VD_RBD_IO_DETACHING, VD_RBD_IO_PARTLY_DETACHED)) {
        end_partly_detached(io);
        post(io);
    }
    return VD_CANCELLED_MEMBER;
}

enum vd_cancel_outcome vd_rbd_io_cancel(struct vd_rbd_io *io)
{
    if (change_state(io, VD_RBD_IO_BLOCKED, VD_RBD_IO_COMPLETE)) {
        end_blocked(io);
        return VD_CANCELLED_BLOCKED;
    }
    if (io->buffer == VD_BUFFER_LENT)
        return VD_CANCEL_BUSY;
    if (change_state(io, VD_RBD_IO_ISSUED, VD_RBD_IO_DETACHING))
        return detach_member(io, true);
    if (change_state(io, VD_RBD_IO_PARTLY_DETACHED, VD_RBD_IO_DETACHING))
        return detach_member(io, false);
    return VD_CANCEL_TOO_LATE;
}
