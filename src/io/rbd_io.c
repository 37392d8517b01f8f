/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/rbd_io.h"

#include <assert.h>
#include <errno.h>
#include <rbd/librbd.h>
#include <stddef.h>
#include <stdlib.h>

#include <vdisk/queue.h>

#include "base/attributes.h"
#include "base/container.h"
#include "base/layout.h"

struct vd_rbd_io *vd_rbd_io_new(struct vd_mailbox *mailbox, vd_rbd_io_complete_fn *complete)
{
    struct vd_rbd_io *io = calloc(1, sizeof *io);

    if (!io)
        return NULL;
    io->entry.kind = VD_ENTRY_RBD_IO;
    io->mailbox = mailbox;
    io->complete = complete;
    atomic_init(&io->references, 1);
    return io;
}

void vd_rbd_io_put(struct vd_rbd_io *io)
{
    /* Acquire and release: the owner that drops the last reference sees what all others have written, and frees it. */
    if (atomic_fetch_sub_explicit(&io->references, 1, memory_order_acq_rel) > 1)
        return;
    free(io->bounce);
    free(io);
}

/*
 * Whether a flush must follow to make the I/O durable. librbd supports FUA for a write of one buffer, which its caches
 * then send at once. It has no such call for several buffers, and ignores the flag for zeroes with a write-around
 * cache. A compare-and-write bypasses every cache.
 */
static bool needs_flush(const struct vd_rbd_io *io)
{
    if (!(io->flags & VDISK_IO_FUA))
        return false;
    return io->kind == VD_REQUEST_WRITE_ZEROES || (io->kind == VD_REQUEST_WRITE && io->iovcnt > 1);
}

/*
 * Stored zeroes are cut at multiples of this. librbd sends the unaligned ends of such a range as writes of its own,
 * inside its request. If an operation on the image's header, by any client, blocks writes meanwhile, both wait for each
 * other for ever (seen with 16.2.15). So libvdisk writes the ends itself.
 */
#define STORED_ZEROES_ALIGNMENT 4096

static bool stores_zeroes(const struct vd_rbd_io *io)
{
    return io->kind == VD_REQUEST_WRITE_ZEROES && io->flags & VDISK_WRITE_ZEROES_THICK;
}

/* Shortens a piece of stored zeroes: to an unaligned end, or to the part that begins and ends at the alignment. */
static uint64_t cut_stored_zeroes(const struct vd_rbd_io *io, uint64_t piece)
{
    uint64_t behind = (io->offset + io->done) % STORED_ZEROES_ALIGNMENT;

    if (behind > 0)
        return piece < STORED_ZEROES_ALIGNMENT - behind ? piece : STORED_ZEROES_ALIGNMENT - behind;
    return piece < STORED_ZEROES_ALIGNMENT ? piece : piece - piece % STORED_ZEROES_ALIGNMENT;
}

/*
 * The length of the next piece. Pieces end at multiples of their length. Pieces of zeroes that are stored as data are
 * shorter, because librbd may have to keep the data in memory.
 */
static uint64_t next_piece(const struct vd_rbd_io *io)
{
    uint64_t left = io->length - io->done;
    uint64_t piece, to_end;

    if (!vd_rbd_io_in_pieces(io->kind))
        return left;
    piece = vd_layout_piece(&io->disk->limits.layout);
    if (stores_zeroes(io) && piece > VDISK_MAX_REQUEST)
        piece = VDISK_MAX_REQUEST;
    to_end = piece - (io->offset + io->done) % piece;
    piece = left < to_end ? left : to_end;
    return stores_zeroes(io) ? cut_stored_zeroes(io, piece) : piece;
}

void vd_rbd_io_plan(struct vd_rbd_io *io)
{
    io->flushing = io->kind == VD_REQUEST_FLUSH;
    io->flushes = 0;
    io->piece = next_piece(io);
    io->flush_after = needs_flush(io);
    io->in_steps = io->piece != io->length || io->flushing || io->flush_after;
}

static uint64_t piece_offset(const struct vd_rbd_io *io)
{
    return io->offset + io->done;
}

static int start_read(struct vd_rbd_io *io)
{
    rbd_completion_t completion = io->completion;
    rbd_image_t image = io->view->image;

    if (io->buffer == VD_BUFFER_BOUNCE)
        return rbd_aio_read(image, io->offset, io->length, io->bounce, completion);
    return rbd_aio_readv(image, io->iov, io->iovcnt, io->offset, completion);
}

static int start_write(struct vd_rbd_io *io)
{
    const void *data = io->buffer == VD_BUFFER_BOUNCE ? io->bounce : io->iov[0].iov_base;
    rbd_completion_t completion = io->completion;
    rbd_image_t image = io->view->image;

    if (io->flags & VDISK_IO_FUA && !io->flush_after)
        return rbd_aio_write2(image, io->offset, io->length, data, completion, LIBRADOS_OP_FLAG_FADVISE_FUA);
    /* A bounce buffer has no array: iovcnt is 0. */
    if (io->iovcnt <= 1)
        return rbd_aio_write(image, io->offset, io->length, data, completion);
    return rbd_aio_writev(image, io->iov, io->iovcnt, io->offset, completion);
}

static int start_flush(struct vd_rbd_io *io)
{
    if (io->flushes == 0)
        io->flush_mark = vd_flush_state_mark(&io->disk->flush_state);
    return rbd_aio_flush(io->view->image, io->completion);
}

static int start_discard(struct vd_rbd_io *io)
{
    return rbd_aio_discard(io->view->image, piece_offset(io), io->piece, io->completion);
}

/* Writes an unaligned end of stored zeroes. */
static int start_end_of_zeroes(struct vd_rbd_io *io)
{
    static const char zeroes[STORED_ZEROES_ALIGNMENT];

    return rbd_aio_write(io->view->image, piece_offset(io), io->piece, zeroes, io->completion);
}

static int start_write_zeroes(struct vd_rbd_io *io)
{
    int flags = stores_zeroes(io) ? RBD_WRITE_ZEROES_FLAG_THICK_PROVISION : 0;

    if (stores_zeroes(io) && io->piece < STORED_ZEROES_ALIGNMENT)
        return start_end_of_zeroes(io);
    return rbd_aio_write_zeroes(io->view->image, piece_offset(io), io->piece, io->completion, flags, 0);
}

static int start_compare_and_write(struct vd_rbd_io *io)
{
    const char *compare = (const char *)io->bounce + io->length;

    return (int)rbd_aio_compare_and_write(io->view->image, io->offset, io->length, compare, io->bounce, io->completion,
                                          &io->mismatch, 0);
}

/* Each passes the I/O, or its next piece, to librbd. */
static int (*const start_functions[])(struct vd_rbd_io *io) = {
    [VD_REQUEST_READ] = start_read,
    [VD_REQUEST_WRITE] = start_write,
    [VD_REQUEST_FLUSH] = start_flush,
    [VD_REQUEST_DISCARD] = start_discard,
    [VD_REQUEST_WRITE_ZEROES] = start_write_zeroes,
    [VD_REQUEST_COMPARE_AND_WRITE] = start_compare_and_write,
};

static void completed(rbd_completion_t completion, void *arg);

/*
 * Once librbd has taken the call, the I/O may have completed and be in use for another request. So nothing of it is
 * read after that, not even the completion.
 */
int vd_rbd_io_step(struct vd_rbd_io *io)
{
    int r = rbd_aio_create_completion(io, completed, &io->completion);

    if (r < 0)
        return r;
    r = io->flushing ? start_flush(io) : start_functions[io->kind](io);
    if (r >= 0)
        return 0;
    rbd_aio_release(io->completion);
    return r;
}

/* From here on, all functions run on librbd's thread or in a background job. */

static void run_step(struct vd_background_job *job)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(job, struct vd_rbd_io, job);
    int r = vd_rbd_io_is_detached(io) ? -ECANCELED : vd_rbd_io_step(io);

    if (r < 0)
        io->complete(io, r);
}

static void run_in_background(struct vd_rbd_io *io, void (*run)(struct vd_background_job *job))
{
    io->job.run = run;
    vd_background_post(&io->disk->background, &io->job);
}

static bool is_inside(const struct vd_rbd_io *io)
{
    return vd_view_holds(io->view, piece_offset(io), io->piece);
}

/*
 * Sets io->mismatch to the offset on the disk. librbd 16 mistakes the position of the mismatch in the range for a
 * position in the object, and reports the image offset of that. A `place` outside of the range shows that this librbd
 * does not make the mistake.
 */
static void correct_mismatch(struct vd_rbd_io *io)
{
    uint64_t place = io->mismatch - vd_layout_object_start(&io->disk->limits.layout, io->offset);

    if (place < io->length)
        io->mismatch = io->offset + place;
}

/* librbd cuts a range off at the end of the image and reports success. That is -EIO if the image has shrunk. */
static int inside_or_error(const struct vd_rbd_io *io, int result)
{
    return is_inside(io) ? result : -EIO;
}

VD_COLD static int conclude_failure(struct vd_rbd_io *io, int result)
{
    vd_disk_note_result(io->disk, result);
    /*
     * The outcome of this call is unknown. If it is the flush that ends a change, that concerns the earlier calls too,
     * whose data librbd's cache may have sent only now.
     */
    if (result == -ETIMEDOUT)
        io->untracked = vd_rbd_io_changes(io->kind);
    if (io->flushing)
        return vd_flush_state_flushed(&io->disk->flush_state, io->flush_mark, result);
    if (result == -EILSEQ) {
        correct_mismatch(io);
        return inside_or_error(io, result);
    }
    if (vd_rbd_io_changes(io->kind))
        vd_flush_state_write_done(&io->disk->flush_state);
    return result;
}

static int conclude_flush(struct vd_rbd_io *io)
{
    if (++io->flushes < io->disk->limits.flushes)
        return 0;
    return vd_flush_state_flushed(&io->disk->flush_state, io->flush_mark, 0);
}

/* Notes what a call of librbd has done. Returns the result that the caller of libvdisk gets: 0 or a negative errno. */
static int conclude(struct vd_rbd_io *io, ssize_t result)
{
    if (result < 0)
        return conclude_failure(io, (int)result);
    if (io->flushing)
        return conclude_flush(io);
    if (vd_rbd_io_changes(io->kind)) {
        vd_flush_state_write_done(&io->disk->flush_state);
        return inside_or_error(io, 0);
    }
    io->valid = (uint64_t)result;
    assert(io->valid <= io->length);
    return 0;
}

/* One of several steps is done. Plans the next one; false: there is none. */
static bool next_step(struct vd_rbd_io *io)
{
    if (io->flushing)
        return io->flushes < io->disk->limits.flushes;
    io->done += io->piece;
    io->piece = next_piece(io);
    io->flushing = io->piece == 0 && io->flush_after;
    return io->piece > 0 || io->flushing;
}

VD_NOINLINE static void continue_steps(struct vd_rbd_io *io)
{
    if (next_step(io))
        run_in_background(io, run_step);
    else
        io->complete(io, 0);
}

static inline void advance(struct vd_rbd_io *io, ssize_t result)
{
    int r = conclude(io, result);

    if (r == 0 && io->in_steps)
        continue_steps(io);
    else
        io->complete(io, r);
}

/*
 * Background job. librbd answers -EINVAL when a call starts past the end of the image. The range was inside when it was
 * accepted, so either the image has shrunk or the error has another cause. The size tells which, and librbd must be
 * asked for it. A read that starts inside has data, so its error stays an error.
 */
static void run_size_check(struct vd_background_job *job)
{
    struct vd_rbd_io *io = VD_CONTAINER_OF(job, struct vd_rbd_io, job);
    ssize_t result = -EINVAL;

    vd_disk_refresh_size(io->disk, io->view);
    if (io->kind == VD_REQUEST_READ && !vd_view_holds(io->view, io->offset, 1))
        result = 0;
    if (vd_rbd_io_changes(io->kind) && !is_inside(io))
        result = -EIO;
    advance(io, result);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct vd_rbd_io *io = arg;
    ssize_t result = rbd_aio_get_return_value(completion);

    rbd_aio_release(completion);
    if (result == -EINVAL && !io->flushing)
        run_in_background(io, run_size_check);
    else
        advance(io, result);
}
