/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What becomes of a flight besides what librbd makes of it: it may have to wait before it starts, be given up on the
 * way, and land with nobody waiting for it any more.
 */
#include "io/fate.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/attributes.h"
#include "base/container.h"

/* Landing. */

/*
 * Of a change that librbd has lost sight of. librbd is done with the buffer; but where it does not copy what it writes,
 * the messenger may still be about to send it, and must not find other bytes there.
 */
static bool keep_buffer(struct vd_flight *flight)
{
    if (!flight->bounce || flight->disk->copies_writes)
        return false;
    flight->keeps_buffer = true;
    vd_disk_note_kept(flight->disk, flight->bounce_length);
    return true;
}

/* Of a flight that is the disk's and has landed. From leaving the view on, the disk can go. */
static void settle(struct vd_flight *flight)
{
    struct vd_view *view = flight->view;
    struct vdisk *disk = flight->disk;
    bool some_may_go = false;

    vd_disk_note_settled(disk, flight->given_up, flight->bounce_length);
    if (flight->untracked) {
        /* It may be long until somebody fences the client. */
        if (!keep_buffer(flight)) {
            free(flight->bounce);
            flight->bounce = NULL;
        }
        some_may_go = vd_write_barrier_untrack(&disk->write_barrier, &flight->write);
    } else {
        if (vd_flight_changes(flight->kind))
            some_may_go = vd_write_barrier_remove(&disk->write_barrier, &flight->write);
        vd_flight_drop(flight);
    }
    if (some_may_go)
        vd_disk_unblock(disk);
    vd_view_leave(view);
}

static void drop_write(struct vd_indeterminate_write *write)
{
    struct vd_flight *flight = VD_CONTAINER_OF(write, struct vd_flight, write);

    if (flight->keeps_buffer)
        vd_disk_note_settled(flight->disk, 0, flight->bounce_length);
    vd_flight_drop(flight);
}

static void add_indeterminate(struct vd_flight *flight, bool tracked)
{
    flight->write = (struct vd_indeterminate_write){
        .offset = flight->offset, .length = flight->length, .tracked = tracked, .drop = drop_write};
    vd_write_barrier_add(&flight->disk->write_barrier, &flight->write);
}

/* Before anything else is done with what landed: from then on the flight, or the disk, can go. */
static void leave_list(struct vd_flight *flight)
{
    if (vd_write_barrier_unlist(&flight->disk->write_barrier, &flight->ordered))
        vd_disk_unblock(flight->disk);
}

/* Of a flight that has landed, for some of its requests: the write of the others has settled. */
static void settle_parted(struct vd_flight *flight)
{
    struct vdisk *disk = flight->disk;
    bool some_may_go = false;

    vd_disk_note_settled(disk, flight->given_up, 0);
    if (flight->untracked) {
        keep_buffer(flight);
        atomic_fetch_add_explicit(&flight->owners, 1, memory_order_relaxed);
        some_may_go = vd_write_barrier_untrack(&disk->write_barrier, &flight->write);
    } else if (vd_flight_changes(flight->kind)) {
        some_may_go = vd_write_barrier_remove(&disk->write_barrier, &flight->write);
    }
    if (some_may_go)
        vd_disk_unblock(disk);
}

/* From the post on, the flight is the queue's; from leaving the view on, the disk can go. */
static void post(struct vd_flight *flight)
{
    struct vd_view *view = flight->view;

    vd_mailbox_post(flight->mailbox, &flight->entry.node);
    vd_view_leave(view);
}

/* Of a flight that was given up by some or all, or whose outcome librbd does not know. */
VD_COLD static void land_otherwise(struct vd_flight *flight, int before)
{
    switch (before) {
    case VD_FLIGHT_DETACHED:
        settle(flight);
        return;
    case VD_FLIGHT_DETACHING:
        /* The queue's thread comes upon it. */
        return;
    case VD_FLIGHT_PARTED:
        settle_parted(flight);
        break;
    default:
        if (!flight->untracked)
            break;
        keep_buffer(flight);
        /* Before anybody can learn of it. Relaxed: the list's lock publishes it. */
        atomic_fetch_add_explicit(&flight->owners, 1, memory_order_relaxed);
        add_indeterminate(flight, false);
    }
    post(flight);
}

/* The result is final. */
void vd_fate_land(struct vd_flight *flight, int result)
{
    int before;

    if (flight->listed)
        leave_list(flight);
    flight->result = result;
    /*
     * Release: a queue's thread that finds it landed, while giving it up, sees the result. Acquire: whoever lands a
     * flight that was given up sees what the queue's thread has entered.
     */
    before = atomic_exchange_explicit(&flight->claim, VD_FLIGHT_LANDED, memory_order_acq_rel);
    if (before != VD_FLIGHT_FLYING || flight->untracked)
        land_otherwise(flight, before);
    else
        post(flight);
}

/* Holding. */

static bool unblock_ordered(struct vd_ordered *ordered)
{
    struct vd_flight *flight = VD_CONTAINER_OF(ordered, struct vd_flight, ordered);
    int before = VD_FLIGHT_HELD;

    /* Acquire: whoever lets it go sees what the queue's thread has prepared. */
    return atomic_compare_exchange_strong_explicit(&flight->claim, &before, VD_FLIGHT_FLYING, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void start_ordered(struct vd_ordered *ordered, int result)
{
    struct vd_flight *flight = VD_CONTAINER_OF(ordered, struct vd_flight, ordered);
    int r = vd_flight_is_given_up(flight) ? -ECANCELED : result;

    if (r == 0)
        r = vd_flight_step(flight);
    if (r < 0)
        vd_fate_land(flight, r);
}

/*
 * With the list's lock held, as is the lock of whoever lets go those that may not wait any more: so either that one
 * finds the flight in the list, or it is found out here that it may not wait.
 */
static int refusal(struct vd_ordered *ordered, bool is_stuck)
{
    const struct vd_flight *flight = VD_CONTAINER_OF(ordered, struct vd_flight, ordered);

    if (vd_disk_is_fenced(flight->disk))
        return -ESHUTDOWN;
    /* What only fencing settles would keep a disk that is to be closed, or reopened, waiting for ever. */
    return is_stuck && (vd_disk_is_closing(flight->disk) || vd_disk_refuses_all(flight->disk)) ? -ESHUTDOWN : 0;
}

static void describe_to_list(struct vd_flight *flight)
{
    flight->ordered = (struct vd_ordered){
        .owner = flight->mailbox,
        .offset = flight->offset,
        .length = flight->length,
        .is_write = vd_flight_changes(flight->kind),
        .is_flush = flight->kind == VD_REQUEST_FLUSH,
        .refusal = refusal,
        .unblock = unblock_ordered,
        .start = start_ordered,
    };
}

/* 1: it is held. 0: it need not be. Or a negative errno. */
static int hold(struct vd_flight *flight)
{
    int r;

    describe_to_list(flight);
    /* Relaxed: the lock of the list publishes it. */
    flight->listed = true;
    atomic_store_explicit(&flight->claim, VD_FLIGHT_HELD, memory_order_relaxed);
    r = vd_write_barrier_block(&flight->disk->write_barrier, &flight->ordered);
    if (r > 0)
        return r;
    flight->listed = false;
    atomic_store_explicit(&flight->claim, VD_FLIGHT_FLYING, memory_order_relaxed);
    return r;
}

/* What librbd gets in pieces, a flush accepted after it would overtake. */
static void list_pieces(struct vd_flight *flight)
{
    if (flight->piece == flight->length)
        return;
    describe_to_list(flight);
    flight->listed = true;
    vd_write_barrier_list(&flight->disk->write_barrier, &flight->ordered);
}

/* Whether the result is known without librbd. */
static bool is_done(struct vd_flight *flight)
{
    if (flight->kind != VD_REQUEST_FLUSH)
        return flight->length == 0;
    flight->result = vd_flush_state_error(&flight->disk->flush_state);
    return flight->disk->read_only || flight->result < 0;
}

/*
 * Merged requests, and those whose data is still the caller's, are not held: they were accepted before the write that
 * they would wait for was given up, or this would not have become of them. Nobody promised an order then.
 */
static bool can_be_blocked(const struct vd_flight *flight)
{
    return flight->members == 1 && !flight->copied_by_librbd;
}

VD_NOINLINE static int start_any(struct vd_flight *flight)
{
    int r = 0;

    if (is_done(flight)) {
        vd_fate_land(flight, flight->result);
        return 0;
    }
    if (vd_write_barrier_any(&flight->disk->write_barrier) && can_be_blocked(flight))
        r = hold(flight);
    if (r != 0)
        return r < 0 ? r : 0;
    list_pieces(flight);
    r = vd_flight_step(flight);
    if (r < 0 && flight->listed)
        leave_list(flight);
    return r;
}

int vd_fate_start(struct vd_flight *flight)
{
    /* Relaxed: until it is started, the queue's thread has it for itself. */
    atomic_store_explicit(&flight->claim, VD_FLIGHT_FLYING, memory_order_relaxed);
    vd_flight_prepare(flight);
    /* Most flights have something to do, have it done in one step, and nothing to wait for. */
    if (!flight->in_steps && flight->length > 0 && !vd_write_barrier_any(&flight->disk->write_barrier))
        return vd_flight_step(flight);
    return start_any(flight);
}

void vd_fate_start_accepted(struct vd_flight *flight)
{
    int r = vd_fate_start(flight);

    if (r < 0)
        vd_fate_land(flight, r);
}

/* Giving up. */

static bool take_claim(struct vd_flight *flight, int from, int to)
{
    /* Acquire and release: as in land. */
    return atomic_compare_exchange_strong_explicit(&flight->claim, &from, to, memory_order_acq_rel,
                                                   memory_order_acquire);
}

/* The view is entered until this has left it, so that the disk is there. */
static void take_back(struct vd_flight *flight)
{
    leave_list(flight);
    vd_view_leave(flight->view);
}

/* Of a flight whose claim the queue's thread has taken. Whoever lands it leaves the view only after this. */
static enum vd_give_up part(struct vd_flight *flight, bool is_first)
{
    bool is_last = flight->members == 1;

    flight->given_up++;
    vd_disk_note_detached(flight->disk, is_last ? flight->bounce_length : 0);
    if (is_first && vd_flight_changes(flight->kind))
        add_indeterminate(flight, true);
    if (is_last) {
        if (!take_claim(flight, VD_FLIGHT_DETACHING, VD_FLIGHT_DETACHED))
            settle(flight);
        return VD_GAVE_UP_DETACHED;
    }
    if (!take_claim(flight, VD_FLIGHT_DETACHING, VD_FLIGHT_PARTED)) {
        settle_parted(flight);
        post(flight);
    }
    return VD_GAVE_UP_MEMBER;
}

enum vd_give_up vd_fate_give_up(struct vd_flight *flight)
{
    if (take_claim(flight, VD_FLIGHT_HELD, VD_FLIGHT_LANDED)) {
        take_back(flight);
        return VD_GAVE_UP_HELD;
    }
    /* Its buffers are the caller's. */
    if (flight->iovcnt > 0 && !flight->bounce && !flight->copied_by_librbd)
        return VD_GIVE_UP_NOT;
    if (take_claim(flight, VD_FLIGHT_FLYING, VD_FLIGHT_DETACHING))
        return part(flight, true);
    if (take_claim(flight, VD_FLIGHT_PARTED, VD_FLIGHT_DETACHING))
        return part(flight, false);
    return VD_GIVE_UP_TOO_LATE;
}
