/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flight.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stddef.h>
#include <stdlib.h>

#include <vdisk/queue.h>

#include "container.h"
#include "layout.h"

/* What sets the kinds apart. */
struct trait {
    /* Hands the flight, or the next piece of it, to librbd. */
    int (*start)(struct vd_flight *flight, rbd_completion_t completion);
    bool has_buffers;
    bool takes_data;
    /* What librbd calls done must be inside the image, and wants a flush. */
    bool changes;
    bool in_pieces;
};

static const struct trait *trait_of(enum vd_request_kind kind);

bool vd_flight_has_buffers(enum vd_request_kind kind)
{
    return trait_of(kind)->has_buffers;
}

bool vd_flight_takes_data(enum vd_request_kind kind)
{
    return trait_of(kind)->takes_data;
}

bool vd_flight_changes(enum vd_request_kind kind)
{
    return trait_of(kind)->changes;
}

struct vd_flight *vd_flight_new(struct vd_request *request, struct vd_mailbox *mailbox)
{
    struct vd_flight *flight = calloc(1, sizeof *flight);

    if (!flight)
        return NULL;
    flight->letter.kind = VD_LETTER_FLIGHT;
    flight->mailbox = mailbox;
    flight->request = request;
    atomic_init(&flight->owners, 1);
    return flight;
}

void vd_flight_drop(struct vd_flight *flight)
{
    /* Release and acquire: the last owner frees what all others have written. */
    if (atomic_fetch_sub_explicit(&flight->owners, 1, memory_order_acq_rel) > 1)
        return;
    free(flight->bounce);
    free(flight);
}

bool vd_flight_is_free(const struct vd_flight *flight)
{
    /* Acquire: the other owner is done with it. */
    return atomic_load_explicit(&flight->owners, memory_order_acquire) == 1;
}

/*
 * Whether only a flush can make it durable. librbd knows FUA for a write of one buffer, which its caches then do not
 * hold back. It forgets it for zeroes with a write-around cache, and has no such call for several buffers. A
 * compare-and-write goes past every cache.
 */
static bool needs_flush(const struct vd_flight *flight)
{
    if (!(flight->flags & VDISK_IO_FUA))
        return false;
    return flight->kind == VD_REQUEST_WRITE_ZEROES ||
           (flight->kind == VD_REQUEST_WRITE && !flight->bounce && flight->iovcnt > 1);
}

/* Pieces end at multiples of their length. Stored zeroes are data that librbd may have to hold in memory. */
static uint64_t next_piece(const struct vd_flight *flight)
{
    uint64_t left = flight->length - flight->done;
    uint64_t piece, to_end;

    if (!trait_of(flight->kind)->in_pieces)
        return left;
    piece = vd_layout_piece(&flight->disk->layout);
    if (flight->flags & VDISK_WRITE_ZEROES_THICK && piece > VDISK_MAX_REQUEST)
        piece = VDISK_MAX_REQUEST;
    to_end = piece - (flight->offset + flight->done) % piece;
    return left < to_end ? left : to_end;
}

void vd_flight_prepare(struct vd_flight *flight)
{
    flight->result = 0;
    flight->valid = 0;
    flight->mismatch = 0;
    flight->done = 0;
    flight->flushing = flight->kind == VD_REQUEST_FLUSH;
    flight->piece = next_piece(flight);
    flight->flush_after = needs_flush(flight);
}

/* The way there. */

static uint64_t piece_offset(const struct vd_flight *flight)
{
    return flight->offset + flight->done;
}

static int start_read(struct vd_flight *flight, rbd_completion_t completion)
{
    rbd_image_t image = flight->view->image;

    if (flight->bounce)
        return rbd_aio_read(image, flight->offset, flight->length, flight->bounce, completion);
    return rbd_aio_readv(image, flight->iov, flight->iovcnt, flight->offset, completion);
}

static int start_write(struct vd_flight *flight, rbd_completion_t completion)
{
    const void *data = flight->bounce ? flight->bounce : flight->iov[0].iov_base;
    rbd_image_t image = flight->view->image;

    if (flight->flags & VDISK_IO_FUA && !flight->flush_after)
        return rbd_aio_write2(image, flight->offset, flight->length, data, completion, LIBRADOS_OP_FLAG_FADVISE_FUA);
    if (flight->bounce)
        return rbd_aio_write(image, flight->offset, flight->length, data, completion);
    return rbd_aio_writev(image, flight->iov, flight->iovcnt, flight->offset, completion);
}

static int start_flush(struct vd_flight *flight, rbd_completion_t completion)
{
    flight->flush_mark = vd_writes_mark(&flight->disk->writes);
    return rbd_aio_flush(flight->view->image, completion);
}

static int start_discard(struct vd_flight *flight, rbd_completion_t completion)
{
    return rbd_aio_discard(flight->view->image, piece_offset(flight), flight->piece, completion);
}

static int start_write_zeroes(struct vd_flight *flight, rbd_completion_t completion)
{
    int flags = flight->flags & VDISK_WRITE_ZEROES_THICK ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0;

    return rbd_aio_write_zeroes(flight->view->image, piece_offset(flight), flight->piece, completion, flags, 0);
}

static int start_compare_and_write(struct vd_flight *flight, rbd_completion_t completion)
{
    const char *compare = (const char *)flight->bounce + flight->length;

    return (int)rbd_aio_compare_and_write(flight->view->image, flight->offset, flight->length, compare, flight->bounce,
                                          completion, &flight->mismatch, 0);
}

static const struct trait traits[] = {
    [VD_REQUEST_READ] = {.start = start_read, .has_buffers = true},
    [VD_REQUEST_WRITE] = {.start = start_write, .has_buffers = true, .takes_data = true, .changes = true},
    [VD_REQUEST_FLUSH] = {.start = start_flush},
    [VD_REQUEST_DISCARD] = {.start = start_discard, .changes = true, .in_pieces = true},
    [VD_REQUEST_WRITE_ZEROES] = {.start = start_write_zeroes, .changes = true, .in_pieces = true},
    [VD_REQUEST_COMPARE_AND_WRITE] = {.start = start_compare_and_write,
                                      .has_buffers = true,
                                      .takes_data = true,
                                      .changes = true},
};

static const struct trait *trait_of(enum vd_request_kind kind)
{
    return &traits[kind];
}

static void completed(rbd_completion_t completion, void *arg);

/* Makes the next call of librbd. When that has taken it, it can be long done: the flight is not looked at again. */
static int start_step(struct vd_flight *flight)
{
    rbd_completion_t completion;
    int r = rbd_aio_create_completion(flight, completed, &completion);

    if (r < 0)
        return r;
    r = flight->flushing ? start_flush(flight, completion) : trait_of(flight->kind)->start(flight, completion);
    if (r < 0)
        rbd_aio_release(completion);
    return r < 0 ? r : 0;
}

/* Landing. */

/* A write whose fate librbd does not know: `rados_osd_op_timeout` ended it, and the OSD may carry it out all the same.
 */
static bool is_lost_sight_of(const struct vd_flight *flight)
{
    return flight->result == -ETIMEDOUT && trait_of(flight->kind)->changes;
}

/* Of a flight that is the disk's and has landed. From leaving the view on, the disk can go. */
static void settle(struct vd_flight *flight)
{
    struct vd_view *view = flight->view;
    struct vdisk *disk = flight->disk;
    bool some_may_go = false;

    vd_handle_note_settled(disk, flight->bounce_length);
    if (is_lost_sight_of(flight)) {
        /* librbd is done with it, and it may be long until somebody fences the client. */
        free(flight->bounce);
        flight->bounce = NULL;
        some_may_go = vd_unsettled_lose_sight(&disk->unsettled, &flight->write);
    } else {
        if (trait_of(flight->kind)->changes)
            some_may_go = vd_unsettled_remove(&disk->unsettled, &flight->write);
        vd_flight_drop(flight);
    }
    if (some_may_go)
        vd_handle_wake_held(disk);
    vd_view_leave(view);
}

static void drop_write(struct vd_unsettled_write *write)
{
    vd_flight_drop(VD_CONTAINER_OF(write, struct vd_flight, write));
}

static void add_unsettled(struct vd_flight *flight, bool with_librbd)
{
    flight->write = (struct vd_unsettled_write){
        .offset = flight->offset, .length = flight->length, .with_librbd = with_librbd, .drop = drop_write};
    vd_unsettled_add(&flight->disk->unsettled, &flight->write);
}

/* Before anything else is done with what landed: from then on the flight, or the disk, can go. */
static void leave_list(struct vd_flight *flight)
{
    if (vd_unsettled_leave(&flight->disk->unsettled, &flight->held))
        vd_handle_wake_held(flight->disk);
}

/* The result is final. From the post on, the flight is the queue's; from leaving the view on, the disk can go. */
static void land(struct vd_flight *flight, int result)
{
    struct vd_view *view = flight->view;
    int before;

    if (flight->listed)
        leave_list(flight);
    flight->result = result;
    /*
     * Release: a queue's thread that finds it landed, while detaching it, sees the result. Acquire: one that finds it
     * detached sees what the queue's thread has entered.
     */
    before = atomic_exchange_explicit(&flight->claim, VD_FLIGHT_LANDED, memory_order_acq_rel);
    if (before == VD_FLIGHT_DETACHED) {
        settle(flight);
        return;
    }
    /* The queue's thread comes upon it. */
    if (before == VD_FLIGHT_DETACHING)
        return;
    if (is_lost_sight_of(flight)) {
        /* Before anybody can learn of it. Relaxed: the list's lock publishes it. */
        atomic_fetch_add_explicit(&flight->owners, 1, memory_order_relaxed);
        add_unsettled(flight, false);
    }
    vd_mailbox_post(flight->mailbox, &flight->letter.node);
    vd_view_leave(view);
}

/* The way back, on librbd's thread or the worker's. */

static bool is_given_up(const struct vd_flight *flight)
{
    /* Relaxed: only whether it pays to go on. */
    return atomic_load_explicit(&flight->claim, memory_order_relaxed) != VD_FLIGHT_FLYING;
}

static void run_step(struct vd_work *work)
{
    struct vd_flight *flight = VD_CONTAINER_OF(work, struct vd_flight, work);
    int r = is_given_up(flight) ? -ECANCELED : start_step(flight);

    if (r < 0)
        land(flight, r);
}

static void let_worker(struct vd_flight *flight, void (*run)(struct vd_work *work))
{
    flight->work.run = run;
    vd_worker_post(&flight->disk->connection->worker, &flight->work);
}

static bool is_inside(const struct vd_flight *flight)
{
    return vd_view_holds(flight->view, piece_offset(flight), flight->piece);
}

/*
 * librbd 16 takes the place of the mismatch in the range for a place in the object, and tells the offset in the image
 * that this would be. Where that cannot be, it is one that does not.
 */
static void correct_mismatch(struct vd_flight *flight)
{
    uint64_t place = flight->mismatch - vd_layout_object_start(&flight->disk->layout, flight->offset);

    if (place < flight->length)
        flight->mismatch = flight->offset + place;
}

/* Returns the result to tell of a change. */
static int conclude_change(struct vd_flight *flight, int result)
{
    if (result == -EILSEQ)
        correct_mismatch(flight);
    else
        vd_writes_done(&flight->disk->writes);
    /* librbd cuts a range off at the end of the image and calls it a success. */
    return (result == 0 || result == -EILSEQ) && !is_inside(flight) ? -EIO : result;
}

/* Returns the result of a call of librbd as it is to be told. */
static int conclude(struct vd_flight *flight, ssize_t result)
{
    int r = result < 0 ? (int)result : 0;

    vd_handle_note_result(flight->disk, r);
    if (flight->flushing)
        return vd_writes_flushed(&flight->disk->writes, flight->flush_mark, r);
    if (trait_of(flight->kind)->changes)
        return conclude_change(flight, r);
    flight->valid = result > 0 ? (uint64_t)result : 0;
    assert(flight->valid <= flight->length);
    return r;
}

/* Whether another step is to be made. */
static bool next_step(struct vd_flight *flight)
{
    if (flight->flushing)
        return false;
    flight->done += flight->piece;
    flight->piece = next_piece(flight);
    flight->flushing = flight->piece == 0 && flight->flush_after;
    return flight->piece > 0 || flight->flushing;
}

static void advance(struct vd_flight *flight, ssize_t result)
{
    int r = conclude(flight, result);

    if (r == 0 && next_step(flight))
        let_worker(flight, run_step);
    else
        land(flight, r);
}

/*
 * librbd says -EINVAL to a request that starts past the end of the image. It was inside when it was accepted, so the
 * image has shrunk, unless the error has another cause: the size tells, once it is asked for. Of a read that starts
 * inside there would be data, so that for it the error stays one.
 */
static void run_settle_size(struct vd_work *work)
{
    struct vd_flight *flight = VD_CONTAINER_OF(work, struct vd_flight, work);
    ssize_t result = -EINVAL;

    vd_handle_refresh_size(flight->disk, flight->view);
    if (flight->kind == VD_REQUEST_READ && !vd_view_holds(flight->view, flight->offset, 1))
        result = 0;
    if (trait_of(flight->kind)->changes && !is_inside(flight))
        result = -EIO;
    advance(flight, result);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct vd_flight *flight = arg;
    ssize_t result = rbd_aio_get_return_value(completion);

    rbd_aio_release(completion);
    if (result == -EINVAL && !flight->flushing)
        let_worker(flight, run_settle_size);
    else
        advance(flight, result);
}

/* Holding. */

static bool claim_held(struct vd_held *held)
{
    struct vd_flight *flight = VD_CONTAINER_OF(held, struct vd_flight, held);
    int before = VD_FLIGHT_HELD;

    /* Acquire: whoever lets it go sees what the queue's thread has prepared. */
    return atomic_compare_exchange_strong_explicit(&flight->claim, &before, VD_FLIGHT_FLYING, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void go_held(struct vd_held *held, int result)
{
    struct vd_flight *flight = VD_CONTAINER_OF(held, struct vd_flight, held);
    int r = is_given_up(flight) ? -ECANCELED : result;

    if (r == 0)
        r = start_step(flight);
    if (r < 0)
        land(flight, r);
}

/*
 * With the list's lock held, as is the lock of whoever lets go those that may not wait any more: so either that one
 * finds the flight in the list, or it is found out here that it may not wait.
 */
static int refusal(struct vd_held *held, bool is_stuck)
{
    const struct vd_flight *flight = VD_CONTAINER_OF(held, struct vd_flight, held);

    if (vd_handle_is_fenced(flight->disk))
        return -ESHUTDOWN;
    /* What only fencing settles would keep a closing disk from ever closing. */
    return is_stuck && vd_handle_is_closing(flight->disk) ? -ESHUTDOWN : 0;
}

static void describe_to_list(struct vd_flight *flight)
{
    flight->held = (struct vd_held){
        .offset = flight->offset,
        .length = flight->length,
        .is_write = trait_of(flight->kind)->changes,
        .is_flush = flight->kind == VD_REQUEST_FLUSH,
        .refusal = refusal,
        .claim = claim_held,
        .go = go_held,
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
    r = vd_unsettled_hold(&flight->disk->unsettled, &flight->held);
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
    vd_unsettled_list(&flight->disk->unsettled, &flight->held);
}

/* Whether the result is known without librbd. */
static bool is_done(struct vd_flight *flight)
{
    if (flight->kind != VD_REQUEST_FLUSH)
        return flight->length == 0;
    flight->result = vd_writes_error(&flight->disk->writes);
    return flight->disk->read_only || flight->result < 0;
}

int vd_flight_start(struct vd_flight *flight)
{
    int r = 0;

    /* Relaxed: until it is started, the queue's thread has it for itself. */
    atomic_store_explicit(&flight->claim, VD_FLIGHT_FLYING, memory_order_relaxed);
    flight->listed = false;
    if (is_done(flight)) {
        land(flight, flight->result);
        return 0;
    }
    if (vd_unsettled_any(&flight->disk->unsettled))
        r = hold(flight);
    if (r != 0)
        return r < 0 ? r : 0;
    list_pieces(flight);
    r = start_step(flight);
    if (r < 0 && flight->listed)
        leave_list(flight);
    return r;
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

/* As above: whoever lands it leaves the view only after this. */
static void detach(struct vd_flight *flight)
{
    vd_handle_note_detached(flight->disk, flight->bounce_length);
    if (trait_of(flight->kind)->changes)
        add_unsettled(flight, true);
    if (!take_claim(flight, VD_FLIGHT_DETACHING, VD_FLIGHT_DETACHED))
        settle(flight);
}

enum vd_give_up vd_flight_give_up(struct vd_flight *flight)
{
    if (take_claim(flight, VD_FLIGHT_HELD, VD_FLIGHT_LANDED)) {
        take_back(flight);
        return VD_GAVE_UP_HELD;
    }
    /* Its buffers are the caller's. */
    if (flight->iovcnt > 0 && !flight->bounce)
        return VD_GIVE_UP_NOT;
    if (!take_claim(flight, VD_FLIGHT_FLYING, VD_FLIGHT_DETACHING))
        return VD_GIVE_UP_TOO_LATE;
    detach(flight);
    return VD_GAVE_UP_DETACHED;
}
