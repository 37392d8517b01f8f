/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Synchronous calls: the queue's engine, in a queue without a pipe that is borrowed for the time of the call.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <vdisk/io.h>

#include "check.h"
#include "clock.h"
#include "error.h"
#include "queue.h"
#include "sync.h"

/* A long transfer is cut at multiples of this, which are object boundaries of most images, and so many fly at once. */
#define PIECE (UINT64_C(4) << 20)
#define PIECES_IN_FLIGHT 4

/* What a borrowed queue keeps of its bounce memory when it is given back. */
#define IDLE_BOUNCE_BYTES (UINT64_C(1) << 20)

static int borrow_queue(struct vdisk_queue **queue, struct vdisk *disk)
{
    pthread_mutex_lock(&disk->lanes_lock);
    *queue = disk->lanes;
    if (*queue)
        disk->lanes = (*queue)->next;
    pthread_mutex_unlock(&disk->lanes_lock);
    if (*queue)
        return 0;
    return vd_queue_new(queue, PIECES_IN_FLIGHT, PIECES_IN_FLIGHT * PIECE, VD_DOORBELL_SEMAPHORE);
}

static void return_queue(struct vdisk_queue *queue, struct vdisk *disk)
{
    vd_bounce_trim(&queue->bounce, IDLE_BOUNCE_BYTES);
    pthread_mutex_lock(&disk->lanes_lock);
    queue->next = disk->lanes;
    disk->lanes = queue;
    pthread_mutex_unlock(&disk->lanes_lock);
}

void vd_sync_free_queues(struct vdisk *disk)
{
    while (disk->lanes) {
        struct vdisk_queue *queue = disk->lanes;

        disk->lanes = queue->next;
        vd_queue_free(queue);
    }
}

/* The part of `whole` that starts `done` bytes into it and ends at the next boundary. */
static struct vd_transfer piece_of(const struct vd_transfer *whole, uint64_t done)
{
    struct vd_transfer piece = *whole;
    uint64_t left = whole->length - done;
    uint64_t to_boundary = PIECE - (whole->offset + done) % PIECE;

    piece.was_inside = true;
    piece.skip = done;
    piece.offset = whole->offset + done;
    piece.length = left < to_boundary ? left : to_boundary;
    return piece;
}

static int wait_one(struct vdisk_queue *queue)
{
    struct vdisk_completion completion;

    vd_queue_wait(queue, &completion, 1, 1, VD_NEVER);
    return completion.result;
}

/* Moves all pieces. After the first error no more are started; those in flight are waited for. */
static int run(struct vdisk_queue *queue, const struct vd_transfer *whole, struct vd_bounce *pool)
{
    uint64_t done = 0;
    int result = 0;

    do {
        struct vd_transfer piece = piece_of(whole, done);

        if (queue->in_flight == PIECES_IN_FLIGHT)
            result = wait_one(queue);
        if (result == 0)
            result = vd_queue_submit(queue, &piece, pool, NULL);
        done += piece.length;
    } while (result == 0 && done < whole->length);
    while (queue->in_flight > 0) {
        int r = wait_one(queue);

        if (result == 0)
            result = r;
    }
    return result;
}

static int range_error(const struct vd_transfer *transfer, uint64_t size, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(
        err, -EINVAL, "The %" PRIu64 " bytes at offset %" PRIu64 " are not inside image %s of %" PRIu64 " bytes.",
        transfer->length, transfer->offset, vd_quote(&quoted, vdisk_uri_image(transfer->disk->uri)), size);
}

static int failure(const struct vd_transfer *transfer, int code, struct vdisk_error *err)
{
    static const char *const doing[] = {
        [VD_REQUEST_READ] = "Reading from", [VD_REQUEST_WRITE] = "Writing to", [VD_REQUEST_FLUSH] = "Flushing"};
    struct vd_quoted quoted;

    return vd_error_set(err, code, "%s image %s failed: %s.", doing[transfer->kind],
                        vd_quote(&quoted, vdisk_uri_image(transfer->disk->uri)), strerror(-code));
}

/*
 * The disk is entered for the whole call, so that it stays while pieces are still to be submitted. A closing that
 * begins meanwhile ends the call at the next piece.
 */
static int transfer_all(const struct vd_transfer *transfer, bool bounced, struct vdisk_error *err)
{
    struct vdisk *disk = transfer->disk;
    struct vdisk_queue *queue;
    struct vd_view *view;
    int r;

    r = vd_check_enter(&view, disk, err);
    if (r < 0)
        return r;
    if (!vd_view_holds(view, transfer->offset, transfer->length)) {
        r = range_error(transfer, vd_handle_size(disk), err);
        goto out;
    }
    r = borrow_queue(&queue, disk);
    if (r == 0) {
        r = run(queue, transfer, bounced ? &queue->bounce : NULL);
        return_queue(queue, disk);
    }
    if (r < 0)
        failure(transfer, r, err);
out:
    vd_view_leave(view);
    return r;
}

static int transfer_iov(struct vdisk *disk, enum vd_request_kind kind, const struct iovec *iov, int iovcnt,
                        uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    struct vd_transfer transfer;
    int r;

    vd_error_clear(err);
    r = vd_check_transfer(&transfer, disk, kind, iov, iovcnt, offset, flags, err);
    return r < 0 ? r : transfer_all(&transfer, !(flags & VDISK_IO_ZERO_COPY), err);
}

int vdisk_preadv(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err)
{
    return transfer_iov(disk, VD_REQUEST_READ, iov, iovcnt, offset, flags, err);
}

int vdisk_pwritev(struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset, uint32_t flags,
                  struct vdisk_error *err)
{
    return transfer_iov(disk, VD_REQUEST_WRITE, iov, iovcnt, offset, flags, err);
}

int vdisk_pread(struct vdisk *disk, void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                struct vdisk_error *err)
{
    struct iovec iov = {.iov_base = buffer, .iov_len = length};

    return transfer_iov(disk, VD_REQUEST_READ, &iov, 1, offset, flags, err);
}

int vdisk_pwrite(struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset, uint32_t flags,
                 struct vdisk_error *err)
{
    /* struct iovec has no const; a write only reads. */
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buffer, .iov_len = length};

    return transfer_iov(disk, VD_REQUEST_WRITE, &iov, 1, offset, flags, err);
}

int vdisk_flush(struct vdisk *disk, struct vdisk_error *err)
{
    struct vd_transfer transfer = {.disk = disk, .kind = VD_REQUEST_FLUSH};
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    return r < 0 ? r : transfer_all(&transfer, false, err);
}
