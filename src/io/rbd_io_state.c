/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/rbd_io_state.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/container.h"

/*
 * For a change whose outcome librbd does not know. Returns whether its bounce buffer must stay. librbd no longer uses
 * the buffer; but unless librbd copies what it writes, the messenger may still be about to send from it.
 */
static bool keep_buffer(struct vd_rbd_io *io)
{
    if (io->buffer != VD_BUFFER_BOUNCE || io->disk->limits.copies_writes)
        return false;
    io->keeps_buffer = true;
    vd_disk_note_kept(io->disk, io->bounce_length);
    return true;
}

/* Settles and frees a detached I/O that has completed. After leaving the view the disk may be freed. */
static void end_detached(struct vd_rbd_io *io)
{
    struct vd_view *view = io->view;
    struct vdisk *disk = io->disk;
    bool any_blocked = false;

    vd_disk_note_settled(disk, io->cancelled, io->bounce_length);
    if (io->untracked) {
        /* The I/O stays until the client is fenced, which may take long, so the buffer is freed first if possible. */
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

/* The write barrier calls this, with its lock held, for an untracked write that has settled. */
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

/* Called before an I/O is completed or ended, because after that the I/O or the disk may be freed. */
static void leave_barrier(struct vd_rbd_io *io)
{
    if (vd_write_barrier_unlist(&io->disk->write_barrier, &io->ordered))
        vd_disk_unblock(io->disk);
}

/* Settles the write of the members that were cancelled; the I/O has completed and is then posted for the others. */
static void end_partly_detached(struct vd_rbd_io *io)
{
    struct vdisk *disk = io->disk;
    bool any_blocked = false;

    vd_disk_note_settled(disk, io->cancelled, 0);
    if (io->untracked) {
        keep_buffer(io);
        /* The write barrier's reference. Relaxed: the barrier's lock publishes it. */
        atomic_fetch_add_explicit(&io->references, 1, memory_order_relaxed);
        any_blocked = vd_write_barrier_untrack(&disk->write_barrier, &io->write);
    } else if (vd_rbd_io_changes(io->kind)) {
        any_blocked = vd_write_barrier_remove(&disk->write_barrier, &io->write);
    }
    if (any_blocked)
        vd_disk_unblock(disk);
}

/* After the post the I/O is the queue's, which may reuse it. After leaving the view the disk may be freed. */
static void post(struct vd_rbd_io *io)
{
    struct vd_view *view = io->view;

    vd_mailbox_post(io->mailbox, &io->entry.node);
    vd_view_leave(view);
}

/* Completes an I/O some or all of whose members were cancelled, or whose outcome librbd does not know. */
VD_COLD static void complete_uncommon(struct vd_rbd_io *io, int before)
{
    switch (before) {
    case VD_RBD_IO_DETACHED:
        end_detached(io);
        return;
    case VD_RBD_IO_DETACHING:
        /* The queue's thread finds COMPLETE at its next change, in detach_member, and does the rest. */
        return;
    case VD_RBD_IO_PARTLY_DETACHED:
        end_partly_detached(io);
        break;
    default:
        if (!io->untracked)
            break;
        keep_buffer(io);
        /*
         * Before the post: a caller who reaps the error and retries must find the write in the barrier. Relaxed: the
         * barrier's lock publishes the reference.
         */
        atomic_fetch_add_explicit(&io->references, 1, memory_order_relaxed);
        add_indeterminate(io, false);
    }
    post(io);
}

void vd_rbd_io_complete(struct vd_rbd_io *io, int result)
{
    int before;

    if (io->listed)
        leave_barrier(io);
    io->result = result;
    /*
     * Release: pairs with the acquire in change_state; a queue's thread that finds the I/O complete while it cancels a
     * member sees the result. Acquire: pairs with the release there; this thread sees what detach_member has written.
     */
    before = atomic_exchange_explicit(&io->state, VD_RBD_IO_COMPLETE, memory_order_acq_rel);
    if (before != VD_RBD_IO_ISSUED || io->untracked)
        complete_uncommon(io, before);
    else
        post(io);
}

/* Called by the write barrier in a background job. false: the queue's thread has cancelled the I/O first. */
static bool unblock_ordered(struct vd_ordered *ordered)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(ordered, struct vd_rbd_io, ordered);
    int before = VD_RBD_IO_BLOCKED;

    /*
     * Acquire: the background job sees what the queue's thread has prepared. Release: pairs with the acquire in
     * change_state.
     */
    return atomic_compare_exchange_strong_explicit(&io->state, &before, VD_RBD_IO_ISSUED, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* Called by the write barrier after unblock_ordered, without its lock. A negative `result` is the I/O's result. */
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
 * Whether the I/O may be blocked. The write barrier calls this with its lock held, and unblocks under the same lock. So
 * when a disk is fenced or refuses, either the unblocking finds this I/O in the list, or this function finds the
 * reason.
 */
static int check_may_wait(struct vd_ordered *ordered, bool is_stuck)
{
    const struct vd_rbd_io *io = VD_CONTAINER_OF(ordered, struct vd_rbd_io, ordered);

    if (vd_disk_is_fenced(io->disk))
        return -ESHUTDOWN;
    /* Only fencing settles an untracked write. A disk that is closed or reopened would wait for that forever. */
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

/* Returns 1 if the I/O is blocked, 0 if it need not be, or a negative errno if it would have to be and must not. */
static int block(struct vd_rbd_io *io)
{
    int r;

    describe_to_barrier(io);
    /* Relaxed: the barrier's lock publishes it. */
    io->listed = true;
    atomic_store_explicit(&io->state, VD_RBD_IO_BLOCKED, memory_order_relaxed);
    r = vd_write_barrier_block(&io->disk->write_barrier, &io->ordered);
    if (r > 0)
        return r;
    io->listed = false;
    atomic_store_explicit(&io->state, VD_RBD_IO_ISSUED, memory_order_relaxed);
    return r;
}

/* Lists an I/O that librbd gets in pieces, so that a flush accepted later waits for the last piece. */
static void list_if_cut(struct vd_rbd_io *io)
{
    if (io->piece == io->length)
        return;
    describe_to_barrier(io);
    io->listed = true;
    vd_write_barrier_list(&io->disk->write_barrier, &io->ordered);
}

/* Whether the result is known without librbd; then it is in io->result. */
static bool needs_no_librbd(struct vd_rbd_io *io)
{
    if (io->kind != VD_REQUEST_FLUSH)
        return io->length == 0;
    io->result = vd_flush_state_error(&io->disk->flush_state);
    return io->disk->limits.read_only || io->result < 0;
}

/*
 * A merged I/O, and one whose data librbd copies from the caller's memory, cannot be blocked. Both were chosen when the
 * barrier was empty (vd_plug_takes, choose_buffer). So their requests were accepted before the write in their way was
 * cancelled, and for requests in flight together no order is promised.
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
    /* Relaxed: until the start, only the queue's thread uses the I/O. */
    atomic_store_explicit(&io->state, VD_RBD_IO_ISSUED, memory_order_relaxed);
    vd_rbd_io_prepare(io);
    /* The common case: one call of librbd, and nothing that blocks. */
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

static bool change_state(struct vd_rbd_io *io, int from, int to)
{
    /* Acquire and release: pair with the exchange in vd_rbd_io_complete, and see there. */
    return atomic_compare_exchange_strong_explicit(&io->state, &from, to, memory_order_acq_rel, memory_order_acquire);
}

/* Ends a blocked I/O whose member is cancelled. The disk stays until the view is left, which is therefore last. */
static void end_blocked(struct vd_rbd_io *io)
{
    leave_barrier(io);
    vd_view_leave(io->view);
}

/*
 * Queue's thread, in state DETACHING: takes one member away. If the I/O completes meanwhile, this thread also does what
 * the completion would have done. The view stays entered until then.
 */
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
    /* librbd would go on using memory that the caller has back. */
    if (io->buffer == VD_BUFFER_LENT)
        return VD_CANCEL_BUSY;
    if (change_state(io, VD_RBD_IO_ISSUED, VD_RBD_IO_DETACHING))
        return detach_member(io, true);
    if (change_state(io, VD_RBD_IO_PARTLY_DETACHED, VD_RBD_IO_DETACHING))
        return detach_member(io, false);
    return VD_CANCEL_TOO_LATE;
}
