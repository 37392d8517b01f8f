/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests on their way in. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"
#include "stream_parts.h"

#define UNTOUCHED 0xa5
#define GONE 0xee
#define MOST_BUFFERS 12

static const char *const names[KINDS] = {"read",  "write",    "discard", "zeroes", "compare",
                                         "flush", "snapshot", "resize",  "close"};

/* Where, and how much. */

/* Through several pieces, the last of which begins or ends among the hot cells. */
static void choose_long_range(struct stream *stream, struct request *request)
{
    size_t end = HOT + 1 + below(stream, HOT_CELLS);
    size_t length = 1 + below(stream, end);

    request->first = take(stream) % 2 ? end - length : end - 1;
    request->cells = length;
}

static void choose_range(struct stream *stream, struct request *request)
{
    unsigned int way = take(stream) % 16;
    size_t limit;

    request->cells = 1 + below(stream, 8);
    if (way < 4)
        request->first = stream->next_cell;
    else if (way < 14)
        request->first = HOT + below(stream, HOT_CELLS);
    else
        request->first = below(stream, CELLS);
    if (way == 4)
        request->cells = 0;
    if (way == 15)
        request->cells = below(stream, CELLS);
    if (way > 10 && (request->kind == DISCARD || request->kind == ZEROES))
        choose_long_range(stream, request);
    if (request->first > CELLS)
        request->first = 0;
    limit = CELLS - request->first;
    /* Now and then one that leaves the image. */
    if (request->cells > limit && below(stream, 16))
        request->cells = limit;
    if (request->kind == COMPARE && request->cells > SECTOR / CELL - request->first % (SECTOR / CELL))
        request->cells = SECTOR / CELL - request->first % (SECTOR / CELL);
    stream->next_cell = request->first + request->cells;
}

static uint32_t choose_flags(struct stream *stream, enum kind kind)
{
    unsigned int bits = take(stream);
    uint32_t flags = 0;

    if ((kind == READ || kind == WRITE) && bits % 7 == 1)
        flags |= VDISK_IO_ZERO_COPY;
    if ((kind == WRITE || kind == ZEROES || kind == COMPARE) && bits / 8 % 7 == 1)
        flags |= VDISK_IO_FUA;
    if (kind == ZEROES && bits % 8 == 1)
        flags |= VDISK_WRITE_ZEROES_THICK;
    return flags;
}

/* Buffers. */

/* The buffer, cut anywhere, with empty pieces in between. */
static void cut(struct stream *stream, struct request *request)
{
    size_t left = request->cells * CELL;
    unsigned char *at = request->buffer;

    request->iovcnt = 1 + (int)below(stream, take(stream) % 4 ? 3 : MOST_BUFFERS);
    request->iov = calloc((size_t)request->iovcnt, sizeof *request->iov);
    require(request->iov);
    for (int i = 0; i < request->iovcnt; i++) {
        size_t part = i == request->iovcnt - 1 ? left : below(stream, left + 1);

        request->iov[i] = (struct iovec){at, part};
        at += part;
        left -= part;
    }
}

static void *new_bytes(size_t length)
{
    void *bytes = malloc(length ? length : 1);

    require(bytes);
    return bytes;
}

static void make_buffers(struct stream *stream, struct request *request, uint32_t value)
{
    request->buffer = new_bytes(request->cells * CELL);
    for (size_t i = 0; request->kind != READ && i < request->cells; i++)
        cell_fill(request->buffer + i * CELL, request->first + i, value);
    if (request->kind == READ)
        memset(request->buffer, UNTOUCHED, request->cells * CELL);
    cut(stream, request);
}

/* The value that a cell had last, often, as far as can be told. */
static uint32_t guess(struct stream *stream, const struct disk *disk, size_t cell)
{
    unsigned int skip = take(stream) % 4;

    for (size_t i = disk->history.count; i > 0; i--) {
        const struct change *change = &disk->history.changes[i - 1];

        if (change->first <= cell && cell < change->end && skip-- == 0)
            return change->value;
    }
    return 0;
}

static void make_compare(struct stream *stream, struct request *request)
{
    request->compare = new_bytes(request->cells * CELL);
    for (size_t i = 0; i < request->cells; i++)
        cell_fill(request->compare + i * CELL, request->first + i, guess(stream, request->disk, request->first + i));
}

bool is_untouched(const struct request *request)
{
    for (size_t i = 0; i < request->cells * CELL; i++) {
        if (request->buffer[i] != UNTOUCHED)
            return false;
    }
    return true;
}

void free_request(struct request *request)
{
    free(request->buffer);
    free(request->iov);
    free(request->compare);
    request->buffer = NULL;
    request->iov = NULL;
    request->compare = NULL;
}

/* Submitting. */

static int call(struct stream *stream, struct request *request)
{
    struct vdisk_queue *queue = stream->queues[request->queue].queue;
    struct vdisk *disk = request->disk->disk;
    uint64_t offset = request->first * CELL, length = request->cells * CELL;
    char name[32];

    switch (request->kind) {
    case READ:
        return vdisk_aio_readv(queue, disk, request->iov, request->iovcnt, offset, request->flags, request);
    case WRITE:
        return vdisk_aio_writev(queue, disk, request->iov, request->iovcnt, offset, request->flags, request);
    case DISCARD:
        return vdisk_aio_discard(queue, disk, length, offset, 0, request);
    case ZEROES:
        return vdisk_aio_write_zeroes(queue, disk, length, offset, request->flags, request);
    case COMPARE:
        return vdisk_aio_compare_and_write(queue, disk, request->compare, request->buffer, length, offset,
                                           request->flags, request);
    case FLUSH:
        return vdisk_aio_flush(queue, disk, 0, request);
    case SNAPSHOT:
        snprintf(name, sizeof name, "s%u", request->number);
        return vdisk_aio_snapshot_create(queue, disk, name, 0, request, NULL);
    case RESIZE:
        return vdisk_aio_resize(queue, disk, length, request->flags, request, NULL);
    case CLOSE:
        return vdisk_aio_close(queue, disk, (int)request->cells - 1, 0, request, NULL);
    case KINDS:
        break;
    }
    return -ENOSYS;
}

static bool is_change(enum kind kind)
{
    return kind == WRITE || kind == DISCARD || kind == ZEROES || kind == COMPARE || kind == RESIZE;
}

static bool has_range(enum kind kind)
{
    return kind <= COMPARE;
}

static void enter_change(struct request *request, uint32_t value)
{
    size_t end = request->first + request->cells;
    struct change change = {.value = value, .handle = request->handle, .queue = request->queue};

    /* A flush does not wait for it, nor does it for what was given up. */
    if (request->kind == RESIZE) {
        change.handle = ANY_HANDLE;
        change.queue = NO_QUEUE;
    }
    change.first = request->kind == RESIZE ? request->cells : request->first;
    change.end = request->kind == RESIZE ? CELLS : end;
    change.optional = request->kind == DISCARD || request->cut;
    request->change = history_accept(&request->disk->history, &change);
    request->from = request->change->from;
}

/* Whether it can be refused so. */
static bool may_be_refused(const struct stream *stream, const struct request *request, int result)
{
    const struct queue *queue = &stream->queues[request->queue];

    switch (result) {
    case -EAGAIN:
        return queue->in_flight == queue->depth;
    case -EINVAL:
        return has_range(request->kind) && request->first + request->cells > request->disk->least;
    case ERROR_SUBMISSION:
        return stream->refusals;
    case -ESHUTDOWN:
        return request->disk->fenced;
    case -EBUSY:
        return request->kind == CLOSE && stream->queues[0].plugged + stream->queues[1].plugged > 0;
    default:
        return false;
    }
}

/* Whether it can be accepted. */
static bool may_be_accepted(const struct stream *stream, const struct request *request)
{
    const struct queue *queue = &stream->queues[request->queue];

    return queue->in_flight < queue->depth &&
           (!has_range(request->kind) || request->first + request->cells <= request->disk->most);
}

/* Those under way at the end of the disk: some may be cut off. */
static void resizes(struct stream *stream, struct disk *disk, size_t cells)
{
    for (unsigned int i = 0; i < stream->count; i++) {
        struct request *request = &stream->requests[i];

        if (!request->pending || request->disk != disk || request->first + request->cells <= cells)
            continue;
        request->cut = true;
        if (request->change && request->kind != RESIZE)
            request->change->optional = true;
    }
    disk->resizing++;
    disk->least = cells < disk->least ? cells : disk->least;
    disk->most = cells > disk->most ? cells : disk->most;
}

/* Whether librbd has no other way to make it durable. */
static bool flushes(const struct request *request)
{
    int pieces = 0;

    for (int i = 0; i < request->iovcnt; i++)
        pieces += request->iov[i].iov_len > 0;
    return request->flags & VDISK_IO_FUA && request->cells > 0 &&
           (request->kind == ZEROES || (request->kind == WRITE && request->flags & VDISK_IO_ZERO_COPY && pieces > 1));
}

static void accepted(struct stream *stream, struct request *request)
{
    request->pending = true;
    request->has_timeout = request->disk->has_timeout && request->kind <= FLUSH;
    request->flushes = flushes(request);
    request->fenced = request->disk->fenced || request->disk->may_have_lost;
    request->stuck = request->disk->may_have_lost ? 0 : request->disk->sticky;
    stream->queues[request->queue].in_flight++;
    if (request->kind == RESIZE)
        resizes(stream, request->disk, request->cells);
    /* The memory is the caller's again. */
    if ((request->kind == WRITE || request->kind == COMPARE) && !(request->flags & VDISK_IO_ZERO_COPY)) {
        memset(request->buffer, GONE, request->cells * CELL);
        if (request->iovcnt > 0)
            memset(request->iov, GONE, (size_t)request->iovcnt * sizeof *request->iov);
    }
    if (request->kind == CLOSE)
        request->disk->closing = true;
}

static void refused(struct request *request)
{
    /* As if it had never been there. */
    if (request->change) {
        request->change->end = request->change->first;
        history_fail(request->change);
    }
    free_request(request);
}

static void submit(struct stream *stream, struct request *request)
{
    int r = call(stream, request);

    story_add("%u: %s %zu+%zu flags 0x%x on queue %d, handle %d: %d", request->number, names[request->kind],
              request->first, request->cells, request->flags, request->queue, request->handle, r);
    require(r <= 0);
    require(r == 0 ? may_be_accepted(stream, request) : may_be_refused(stream, request, r));
    if (r == 0)
        accepted(stream, request);
    else
        refused(request);
}

/* What is not a range of data. */
static void choose_op(struct stream *stream, struct request *request)
{
    request->first = 0;
    if (request->kind == SNAPSHOT) {
        request->first = HOT;
        request->cells = HOT_CELLS;
    } else if (request->kind == RESIZE) {
        request->cells = below(stream, 4) ? CELLS - below(stream, 64) : HOT + below(stream, CELLS - HOT);
        request->flags = VDISK_RESIZE_SHRINK | (below(stream, 2) ? VDISK_AIO_PROGRESS : 0);
    } else if (request->kind == CLOSE) {
        /* A timeout in milliseconds, and one. */
        request->cells = below(stream, 3);
    }
}

static void prepare(struct stream *stream, struct request *request)
{
    uint32_t value = request->kind == WRITE || request->kind == COMPARE ? ++stream->values : 0;

    if (!has_range(request->kind)) {
        choose_op(stream, request);
    } else {
        choose_range(stream, request);
        request->flags = choose_flags(stream, request->kind);
    }
    if (request->kind == READ || request->kind == WRITE || request->kind == COMPARE)
        make_buffers(stream, request, value);
    if (request->kind == COMPARE)
        make_compare(stream, request);
    request->cut = has_range(request->kind) && request->first + request->cells > request->disk->least;
    request->from = story_tick();
    if (is_change(request->kind))
        enter_change(request, value);
}

void submit_something(struct stream *stream, enum kind kind)
{
    struct request *request = &stream->requests[stream->count];
    unsigned int where = take(stream);

    if (stream->count == MAX_REQUESTS)
        return;
    *request = (struct request){.kind = kind, .number = stream->count++};
    request->disk = &stream->disks[where % 8 == 0];
    request->queue = where / 8 % 4 == 0;
    if (request->disk->closing)
        return;
    if (!request->disk->disk && !open_disk(stream, request->disk))
        return;
    request->handle = request->disk->handle;
    prepare(stream, request);
    submit(stream, request);
}
