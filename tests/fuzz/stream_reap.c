/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completions: whether they may be what they are. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "story.h"
#include "stream_parts.h"

/* For what must come. */
#define PATIENCE_MS 30000

static bool is_flush_error(int result)
{
    return result == ERROR_FLUSH || result == ERROR_OTHER_FLUSH || result == ERROR_LOST;
}

/* Data. */

static void check_cell(struct disk *disk, const unsigned char *bytes, size_t cell, const struct look *look)
{
    uint32_t value;

    if (!cell_read(&value, bytes, cell) || !history_explains(&disk->history, cell, value, look)) {
        story_add("cell %zu has the value %u", cell, (unsigned int)value);
        broken("a cell has a value that it may have");
    }
    history_see(&disk->history, cell, value, look);
}

void check_look(struct disk *disk, const unsigned char *bytes, size_t first, size_t cells, const struct look *look)
{
    for (size_t i = 0; i < cells; i++)
        check_cell(disk, bytes + i * CELL, first + i, look);
}

/* How many cells there are before the zeroes at the end. */
static size_t cells_told(const struct request *request)
{
    size_t length = request->cells * CELL;

    while (length > 0 && request->buffer[length - 1] == 0)
        length--;
    return length / CELL;
}

static void check_data(const struct stream *stream, const struct request *request)
{
    struct look look = {request->handle, request->from};

    check_look(request->disk, request->buffer, request->first,
               stream->short_reads ? cells_told(request) : request->cells, &look);
}

/* That the cells before the mismatch were as expected, and that where it is, another byte can have been. */
static void check_mismatch(const struct request *request, uint64_t place)
{
    const struct look look = {request->handle, request->from};
    const struct history *history = &request->disk->history;
    unsigned char other[CELL];
    size_t cell = request->first + place / CELL, at = place % CELL, from = place - at;
    uint32_t value;

    require(place < request->cells * CELL);
    for (size_t i = 0; i < place / CELL; i++) {
        require(cell_read(&value, request->compare + i * CELL, request->first + i));
        require(history_explains(history, request->first + i, value, &look));
    }
    cell_fill(other, cell, 0);
    if (history_explains(history, cell, 0, &look) && !memcmp(other, request->compare + from, at) &&
        other[at] != request->compare[place])
        return;
    for (size_t i = 0; i < history->count; i++) {
        value = history->changes[i].value;
        cell_fill(other, cell, value);
        if (history_explains(history, cell, value, &look) && !memcmp(other, request->compare + from, at) &&
            other[at] != request->compare[place])
            return;
    }
    broken("a mismatch is where there can be one");
}

static void check_compared(const struct request *request)
{
    const struct look look = {request->handle, request->from};
    uint32_t value;

    for (size_t i = 0; i < request->cells; i++) {
        require(cell_read(&value, request->compare + i * CELL, request->first + i));
        require(history_explains(&request->disk->history, request->first + i, value, &look));
    }
}

/* Results. */

static bool may_stick(const struct request *request, int result)
{
    if (request->fenced && result == -EIO)
        return request->kind == FLUSH || request->flushes;
    return (request->kind == FLUSH || request->flushes) && is_flush_error(result);
}

/* A flush error: is it the one that sticks? */
static void note_flush_error(struct request *request, int result)
{
    struct disk *disk = request->disk;

    if (request->handle != disk->handle || request->from < disk->acknowledged || result == ERROR_LOST ||
        disk->may_have_lost)
        return;
    if (disk->sticky)
        require(result == disk->sticky);
    disk->sticky = result;
}

static bool may_fail(const struct stream *stream, const struct request *request, int result)
{
    if (result == -ECANCELED)
        return request->given_up;
    if (request->kind == CLOSE)
        return may_close_fail(stream, request->disk, result, request->cells == 0);
    switch (result) {
    case -ESHUTDOWN:
        return request->fenced || (stream->may_lose && request->kind <= FLUSH);
    case ERROR_SUBMISSION:
        return stream->refusals && request->kind <= FLUSH;
    case ERROR_COMPLETION:
        return stream->failures[request->kind] && request->kind < FLUSH;
    case -EILSEQ:
        return request->kind == COMPARE;
    default:
        break;
    }
    if (result == -ETIMEDOUT && (request->has_timeout || (stream->may_lose && request->change)))
        return true;
    if (result == -EIO && request->cut && request->change)
        return true;
    /* The image was shrunk, and had grown again when the library looked. */
    if (result == -EINVAL && request->cut && request->kind <= COMPARE)
        return true;
    return may_stick(request, result) && (stream->failures[FLUSH] || request->fenced);
}

static void end_change(struct request *request, int result)
{
    if (result == 0)
        history_succeed(&request->disk->history, request->change);
    else if (result == -ETIMEDOUT && request->has_timeout)
        history_give_up(request->change);
    else if (result == -EILSEQ) {
        request->change->end = request->change->first;
        history_fail(request->change);
    } else if (!request->given_up)
        history_fail(request->change);
    if (result == ERROR_LOST && !request->has_timeout && !request->flushes &&
        request->handle == request->disk->handle && request->from > request->disk->renewed)
        request->disk->lost = true;
}

static void end_resize(struct request *request, int result)
{
    struct disk *disk = request->disk;

    disk->resizing--;
    /* They are carried out in their order, and not reaped so. */
    if (result == 0 && request->number >= disk->sized_by) {
        disk->size = request->cells;
        disk->sized_by = request->number;
    }
    /* Another handle learns of it some time. */
    if (disk->resizing == 0 && request->handle == disk->handle && !disk->size_in_doubt)
        disk->least = disk->most = disk->size;
    if (request->handle != disk->handle)
        disk->size_in_doubt = true;
}

static void end_flush(struct request *request, int result)
{
    require(request->stuck == 0 || result == request->stuck);
    if (result < 0)
        return;
    history_flush(&request->disk->history, request->handle, request->queue, request->from);
    peek(request->disk, HOT, HOT_CELLS);
}

static void end(struct stream *stream, struct request *request, int result)
{
    if (request->kind == READ && result == 0)
        check_data(stream, request);
    if (request->kind == READ && result < 0 && !(request->flags & VDISK_IO_ZERO_COPY))
        require(is_untouched(request));
    if (request->kind == COMPARE && result == 0 && !request->cut)
        check_compared(request);
    if (request->kind == FLUSH)
        end_flush(request, result);
    if (request->flushes && result == 0)
        require(request->stuck == 0 || request->from < request->disk->acknowledged ||
                request->handle != request->disk->handle);
    if (request->kind == SNAPSHOT && result == 0)
        check_snapshot(request->disk, request);
    if (request->kind == RESIZE)
        end_resize(request, result);
    if (request->kind == CLOSE)
        closed(stream, request->disk, request->handle, result, request->cells == 0);
}

static void complete(struct stream *stream, int queue, const struct vdisk_completion *completion)
{
    struct request *request = completion->user_data;

    require(request >= stream->requests && request < stream->requests + stream->count);
    story_add("%u: result %d, flags 0x%x", request->number, completion->result, completion->flags);
    require(request->pending && request->queue == queue && !completion->disk);
    if (completion->flags & VDISK_COMPLETION_MORE) {
        require(request->kind == RESIZE && completion->result == 0 && completion->value <= VDISK_PROGRESS_WHOLE);
        return;
    }
    request->pending = false;
    stream->queues[queue].in_flight--;
    require(completion->result == 0 ? !request->given_up : may_fail(stream, request, completion->result));
    require(!request->given_up || completion->result == -ECANCELED);
    if (completion->result == -EILSEQ)
        check_mismatch(request, completion->value - request->first * CELL);
    else
        require(completion->value == 0);
    if (may_stick(request, completion->result))
        note_flush_error(request, completion->result);
    if (request->change)
        end_change(request, completion->result);
    end(stream, request, completion->result);
    /* What touches the buffers after this is for the address sanitizer to see. */
    free_request(request);
}

/* Reaping. */

static void check_pending(const struct stream *stream)
{
    for (unsigned int i = 0; i < stream->count; i++) {
        const struct request *request = &stream->requests[i];

        if (request->pending && request->kind == READ && !(request->flags & VDISK_IO_ZERO_COPY))
            require(is_untouched(request));
    }
}

static bool is_readable(const struct queue *queue, int timeout_ms)
{
    struct pollfd fd = {.fd = vdisk_queue_get_fd(queue->queue), .events = POLLIN};

    return poll(&fd, 1, timeout_ms) == 1 && fd.revents == POLLIN;
}

void check_queue(const struct queue *queue)
{
    require(vdisk_queue_in_flight(queue->queue) == queue->in_flight);
    require(queue->ready <= queue->in_flight);
    require(queue->ready == 0 || is_readable(queue, 0));
}

static unsigned int finish(struct stream *stream, int index, const struct vdisk_completion *completions, int count,
                           unsigned int max)
{
    struct queue *queue = &stream->queues[index];

    require(count >= 0 && (unsigned int)count <= max);
    /* Progress is in between. */
    if ((unsigned int)count < max)
        queue->ready = 0;
    else
        queue->ready = queue->ready > (unsigned int)count ? queue->ready - (unsigned int)count : 0;
    for (int i = 0; i < count; i++)
        complete(stream, index, &completions[i]);
    check_pending(stream);
    check_queue(queue);
    return (unsigned int)count;
}

#define MOST 64

unsigned int reap(struct stream *stream, int queue, unsigned int max)
{
    struct vdisk_completion completions[MOST];

    max = max < MOST ? max : MOST;
    return finish(stream, queue, completions, vdisk_queue_reap(stream->queues[queue].queue, completions, max), max);
}

unsigned int wait_for(struct stream *stream, int queue, unsigned int min, int timeout_ms)
{
    struct vdisk_completion completions[MOST];

    return finish(stream, queue, completions,
                  vdisk_queue_wait(stream->queues[queue].queue, completions, min, MOST, timeout_ms), MOST);
}

/* What must come, does. */
static void await(const struct stream *stream, const struct queue *queue)
{
    if (is_readable(queue, PATIENCE_MS))
        return;
    for (unsigned int i = 0; i < stream->count; i++) {
        if (stream->requests[i].pending)
            story_add("%u: has not come", stream->requests[i].number);
    }
    broken("all is done in the end");
}

void reap_all(struct stream *stream)
{
    for (int i = 0; i < QUEUES; i++) {
        while (stream->queues[i].in_flight > 0) {
            await(stream, &stream->queues[i]);
            reap(stream, i, MOST);
        }
    }
}
