/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/flight.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stddef.h>
#include <stdlib.h>

#include <vdisk/queue.h>

#include "base/attributes.h"
#include "base/container.h"
#include "base/layout.h"

struct vd_flight *vd_flight_new(struct vd_mailbox *mailbox, vd_flight_land_fn *land)
{
    struct vd_flight *flight = calloc(1, sizeof *flight);

    if (!flight)
        return NULL;
    flight->entry.kind = VD_ENTRY_RBD_IO;
    flight->mailbox = mailbox;
    flight->land = land;
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

    if (!vd_flight_in_pieces(flight->kind))
        return left;
    piece = vd_layout_piece(&flight->disk->layout);
    if (flight->flags & VDISK_WRITE_ZEROES_THICK && piece > VDISK_MAX_REQUEST)
        piece = VDISK_MAX_REQUEST;
    to_end = piece - (flight->offset + flight->done) % piece;
    return left < to_end ? left : to_end;
}

void vd_flight_plan(struct vd_flight *flight)
{
    flight->flushing = flight->kind == VD_REQUEST_FLUSH;
    flight->flushes = 0;
    flight->piece = next_piece(flight);
    flight->flush_after = needs_flush(flight);
    flight->in_steps = flight->piece != flight->length || flight->flushing || flight->flush_after;
}

/* The way there. */

static uint64_t piece_offset(const struct vd_flight *flight)
{
    return flight->offset + flight->done;
}

static int start_read(struct vd_flight *flight)
{
    rbd_completion_t completion = flight->completion;
    rbd_image_t image = flight->view->image;

    if (flight->bounce)
        return rbd_aio_read(image, flight->offset, flight->length, flight->bounce, completion);
    return rbd_aio_readv(image, flight->iov, flight->iovcnt, flight->offset, completion);
}

static int start_write(struct vd_flight *flight)
{
    const void *data = flight->bounce ? flight->bounce : flight->iov[0].iov_base;
    rbd_completion_t completion = flight->completion;
    rbd_image_t image = flight->view->image;

    if (flight->flags & VDISK_IO_FUA && !flight->flush_after)
        return rbd_aio_write2(image, flight->offset, flight->length, data, completion, LIBRADOS_OP_FLAG_FADVISE_FUA);
    if (flight->bounce || flight->iovcnt == 1)
        return rbd_aio_write(image, flight->offset, flight->length, data, completion);
    return rbd_aio_writev(image, flight->iov, flight->iovcnt, flight->offset, completion);
}

static int start_flush(struct vd_flight *flight)
{
    if (flight->flushes == 0)
        flight->flush_mark = vd_flush_state_mark(&flight->disk->flush_state);
    return rbd_aio_flush(flight->view->image, flight->completion);
}

static int start_discard(struct vd_flight *flight)
{
    return rbd_aio_discard(flight->view->image, piece_offset(flight), flight->piece, flight->completion);
}

static int start_write_zeroes(struct vd_flight *flight)
{
    int flags = flight->flags & VDISK_WRITE_ZEROES_THICK ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0;

    return rbd_aio_write_zeroes(flight->view->image, piece_offset(flight), flight->piece, flight->completion, flags, 0);
}

static int start_compare_and_write(struct vd_flight *flight)
{
    const char *compare = (const char *)flight->bounce + flight->length;

    return (int)rbd_aio_compare_and_write(flight->view->image, flight->offset, flight->length, compare, flight->bounce,
                                          flight->completion, &flight->mismatch, 0);
}

/* Hand the flight, or the next piece of it, to librbd. */
static int (*const starts[])(struct vd_flight *flight) = {
    [VD_REQUEST_READ] = start_read,
    [VD_REQUEST_WRITE] = start_write,
    [VD_REQUEST_FLUSH] = start_flush,
    [VD_REQUEST_DISCARD] = start_discard,
    [VD_REQUEST_WRITE_ZEROES] = start_write_zeroes,
    [VD_REQUEST_COMPARE_AND_WRITE] = start_compare_and_write,
};

static void completed(rbd_completion_t completion, void *arg);

/*
 * Makes the next call of librbd. When that has taken it, it can be long done: the flight is not looked at again. Nor is
 * its completion then that of this call any more.
 */
int vd_flight_step(struct vd_flight *flight)
{
    int r = rbd_aio_create_completion(flight, completed, &flight->completion);

    if (r < 0)
        return r;
    r = flight->flushing ? start_flush(flight) : starts[flight->kind](flight);
    if (r >= 0)
        return 0;
    rbd_aio_release(flight->completion);
    return r;
}

/* The way back, on librbd's thread or one of the disk's background jobs. */

static void run_step(struct vd_background_job *job)
{
    struct vd_flight *flight = VD_CONTAINER_OF(job, struct vd_flight, job);
    int r = vd_flight_is_given_up(flight) ? -ECANCELED : vd_flight_step(flight);

    if (r < 0)
        flight->land(flight, r);
}

static void run_in_background(struct vd_flight *flight, void (*run)(struct vd_background_job *job))
{
    flight->job.run = run;
    vd_background_post(&flight->disk->background, &flight->job);
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

/* librbd cuts a range off at the end of the image and calls it a success. */
static int inside_or_error(const struct vd_flight *flight, int result)
{
    return is_inside(flight) ? result : -EIO;
}

VD_COLD static int conclude_failure(struct vd_flight *flight, int result)
{
    vd_disk_note_result(flight->disk, result);
    /* By this call. A flush of the flight's own tells of earlier ones, too. */
    if (result == -ETIMEDOUT)
        flight->untracked = vd_flight_changes(flight->kind);
    if (flight->flushing)
        return vd_flush_state_flushed(&flight->disk->flush_state, flight->flush_mark, result);
    if (result == -EILSEQ) {
        correct_mismatch(flight);
        return inside_or_error(flight, result);
    }
    if (vd_flight_changes(flight->kind))
        vd_flush_state_write_done(&flight->disk->flush_state);
    return result;
}

static int conclude_flush(struct vd_flight *flight)
{
    if (++flight->flushes < flight->disk->flushes)
        return 0;
    return vd_flush_state_flushed(&flight->disk->flush_state, flight->flush_mark, 0);
}

/* Returns the result of a call of librbd as it is to be told. */
static int conclude(struct vd_flight *flight, ssize_t result)
{
    if (result < 0)
        return conclude_failure(flight, (int)result);
    if (flight->flushing)
        return conclude_flush(flight);
    if (vd_flight_changes(flight->kind)) {
        vd_flush_state_write_done(&flight->disk->flush_state);
        return inside_or_error(flight, 0);
    }
    flight->valid = (uint64_t)result;
    assert(flight->valid <= flight->length);
    return 0;
}

/* Of several steps, one is done: whether another is to be made. */
static bool next_step(struct vd_flight *flight)
{
    if (flight->flushing)
        return flight->flushes < flight->disk->flushes;
    flight->done += flight->piece;
    flight->piece = next_piece(flight);
    flight->flushing = flight->piece == 0 && flight->flush_after;
    return flight->piece > 0 || flight->flushing;
}

VD_NOINLINE static void go_on(struct vd_flight *flight)
{
    if (next_step(flight))
        run_in_background(flight, run_step);
    else
        flight->land(flight, 0);
}

static inline void advance(struct vd_flight *flight, ssize_t result)
{
    int r = conclude(flight, result);

    if (r == 0 && flight->in_steps)
        go_on(flight);
    else
        flight->land(flight, r);
}

/*
 * librbd says -EINVAL to a request that starts past the end of the image. It was inside when it was accepted, so the
 * image has shrunk, unless the error has another cause: the size tells, once it is asked for. Of a read that starts
 * inside there would be data, so that for it the error stays one.
 */
static void run_settle_size(struct vd_background_job *job)
{
    struct vd_flight *flight = VD_CONTAINER_OF(job, struct vd_flight, job);
    ssize_t result = -EINVAL;

    vd_disk_refresh_size(flight->disk, flight->view);
    if (flight->kind == VD_REQUEST_READ && !vd_view_holds(flight->view, flight->offset, 1))
        result = 0;
    if (vd_flight_changes(flight->kind) && !is_inside(flight))
        result = -EIO;
    advance(flight, result);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct vd_flight *flight = arg;
    ssize_t result = rbd_aio_get_return_value(completion);

    rbd_aio_release(completion);
    if (result == -EINVAL && !flight->flushing)
        run_in_background(flight, run_settle_size);
    else
        advance(flight, result);
}
