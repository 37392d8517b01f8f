/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The synchronous calls. Each borrows a queue, which has a semaphore instead of a pipe, and submits its requests to it.
 */
#include "io/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <vdisk/io.h>

#include "base/clock.h"
#include "base/error.h"
#include "disk/check.h"
#include "io/check_transfer.h"
#include "io/queue.h"
#include "io/reap.h"
#include "io/submit.h"

/*
 * A long read or write is cut at multiples of PIECE, which are object boundaries of most images. PIECES_IN_FLIGHT are
 * submitted at a time.
 */
#define PIECE (UINT64_C(4) << 20)
#define PIECES_IN_FLIGHT 4

/* How much bounce memory an idle queue keeps. */
#define IDLE_BOUNCE_BYTES (UINT64_C(1) << 20)

static int borrow_queue(struct vdisk_queue **queue, struct vdisk *disk)
{
    pthread_mutex_lock(&disk->sync.lock);
    *queue = disk->sync.queues;
    if (*queue)
        disk->sync.queues = (*queue)->next;
    pthread_mutex_unlock(&disk->sync.lock);
    if (*queue)
        return 0;
    return vd_queue_new(queue, PIECES_IN_FLIGHT, PIECES_IN_FLIGHT * PIECE, VD_DOORBELL_SEMAPHORE);
}

static void return_queue(struct vdisk_queue *queue, struct vdisk *disk)
{
    vd_bounce_trim(&queue->bounce, IDLE_BOUNCE_BYTES);
    pthread_mutex_lock(&disk->sync.lock);
    queue->next = disk->sync.queues;
    disk->sync.queues = queue;
    pthread_mutex_unlock(&disk->sync.lock);
}

void vd_sync_free_queues(struct vdisk *disk)
{
    while (disk->sync.queues) {
        struct vdisk_queue *queue = disk->sync.queues;

        disk->sync.queues = queue->next;
        vd_queue_free(queue);
    }
}

/* A request without data is cut where a queue's request is cut too (rbd_io.c). */
static uint64_t piece_length(const struct vd_transfer *whole)
{
    bool has_data = whole->kind == VD_REQUEST_READ || whole->kind == VD_REQUEST_WRITE;

    return has_data ? PIECE : vd_layout_piece(&whole->disk->limits.layout);
}

/* The part of `whole` that starts `done` bytes into it and ends at the next boundary. */
static struct vd_transfer piece_of(const struct vd_transfer *whole, uint64_t done)
{
    struct vd_transfer piece = *whole;
    uint64_t left = whole->length - done;
    uint64_t longest = piece_length(whole);
    uint64_t to_boundary = longest - (whole->offset + done) % longest;

    piece.was_inside = true;
    piece.skip = done;
    piece.offset = whole->offset + done;
    piece.length = left < to_boundary ? left : to_boundary;
    return piece;
}

/* Waits for one completion. Returns its result and sets *value to its value. Blocks. */
static int wait_one(struct vdisk_queue *queue, uint64_t *value)
{
    struct vdisk_completion completion;

    vd_queue_wait(queue, &completion, 1, 1, VD_NEVER);
    *value = completion.value;
    return completion.result;
}

/* Submits all pieces and waits for them. After an error it submits no more. Returns the first error. Blocks. */
static int run_pieces(struct vdisk_queue *queue, const struct vd_transfer *whole, uint64_t *value)
{
    uint64_t done = 0;
    int result = 0;

    do {
        struct vd_transfer piece = piece_of(whole, done);

        if (queue->in_flight == PIECES_IN_FLIGHT)
            result = wait_one(queue, value);
        if (result == 0)
            result = vd_queue_submit(queue, &piece, NULL);
        done += piece.length;
    } while (result == 0 && done < whole->length);
    while (queue->in_flight > 0) {
        int r = wait_one(queue, value);

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
        transfer->length, transfer->offset, vd_quote(&quoted, vdisk_uri_image(transfer->disk->identity.uri)), size);
}

static int transfer_error(const struct vd_transfer *transfer, int code, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, code, "%s image %s failed: %s.", vd_check_doing(transfer->kind),
                        vd_quote(&quoted, vdisk_uri_image(transfer->disk->identity.uri)), strerror(-code));
}

/*
 * The view stays entered during the whole call, so the disk lives until the last piece is submitted. If closing begins
 * meanwhile, the next piece is refused, which ends the call.
 */
static int transfer_all(const struct vd_transfer *transfer, uint64_t *value, struct vdisk_error *err)
{
    struct vdisk *disk = transfer->disk;
    struct vdisk_queue *queue;
    struct vd_view *view;
    int r;

    r = vd_check_enter(&view, disk, err);
    if (r < 0)
        return r;
    if (!vd_view_holds(view, transfer->offset, transfer->length)) {
        r = range_error(transfer, vd_disk_size(disk), err);
        goto out;
    }
    r = borrow_queue(&queue, disk);
    if (r == 0) {
        r = run_pieces(queue, transfer, value);
        return_queue(queue, disk);
    }
    if (r < 0)
        transfer_error(transfer, r, err);
out:
    vd_view_leave(view);
    return r;
}

static int transfer_iov(struct vdisk *disk, enum vd_request_kind kind, const struct iovec *iov, int iovcnt,
                        uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    struct vd_transfer transfer = {
        .disk = disk, .kind = kind, .flags = flags, .iov = iov, .iovcnt = iovcnt, .offset = offset};
    uint64_t unused;
    int r;

    vd_error_clear(err);
    r = vd_check_transfer(&transfer, err);
    return r < 0 ? r : transfer_all(&transfer, &unused, err);
}

static int transfer_range(struct vdisk *disk, enum vd_request_kind kind, uint64_t length, uint64_t offset,
                          uint32_t flags, struct vdisk_error *err)
{
    struct vd_transfer transfer = {.disk = disk, .kind = kind, .flags = flags, .offset = offset, .length = length};
    uint64_t unused;
    int r;

    vd_error_clear(err);
    r = vd_check_range(&transfer, err);
    return r < 0 ? r : transfer_all(&transfer, &unused, err);
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
    return transfer_range(disk, VD_REQUEST_FLUSH, 0, 0, 0, err);
}

int vdisk_discard(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    return transfer_range(disk, VD_REQUEST_DISCARD, length, offset, flags, err);
}

int vdisk_write_zeroes(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    return transfer_range(disk, VD_REQUEST_WRITE_ZEROES, length, offset, flags, err);
}

static int mismatch_error(const struct vd_transfer *transfer, uint64_t mismatch, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    return vd_error_set(err, -EILSEQ,
                        "Nothing was written to image %s: its data differs at offset %" PRIu64
                        " from the data to compare with.",
                        vd_quote(&quoted, vdisk_uri_image(transfer->disk->identity.uri)), mismatch);
}

int vdisk_compare_and_write(uint64_t *mismatch, struct vdisk *disk, const void *compare, const void *write,
                            uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    struct vd_transfer transfer = {.disk = disk,
                                   .kind = VD_REQUEST_COMPARE_AND_WRITE,
                                   .flags = flags,
                                   .compare = compare,
                                   .offset = offset,
                                   .length = length};
    uint64_t value = 0;
    struct iovec iov;
    int r;

    vd_error_clear(err);
    r = vd_check_compare_and_write(&transfer, &iov, write, err);
    if (r == 0)
        r = transfer_all(&transfer, &value, err);
    if (r == -EILSEQ)
        mismatch_error(&transfer, value, err);
    if (mismatch)
        *mismatch = value;
    return r;
}
