/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What requests do to images and buffers. */
#include <errno.h>
#include <string.h>

#include "fake_internal.h"

#define GARBAGE 0xdb
#define MAX_RESULTS 256

/* Results that the test wants, the next first. */
struct results {
    size_t count;
    ssize_t results[MAX_RESULTS];
};

static struct results reads, writes, flushes;
static size_t shortening;
static bool land_failed;

static struct results *results_of(enum fake_kind kind)
{
    switch (kind) {
    case FAKE_READ:
        return &reads;
    case FAKE_WRITE:
        return &writes;
    case FAKE_FLUSH:
        return &flushes;
    default:
        fake_abort("fake_next_result: %d is not one kind of request", (int)kind);
    }
}

static bool take_result(enum fake_kind kind, ssize_t *result)
{
    struct results *results = results_of(kind);

    if (results->count == 0)
        return false;
    *result = results->results[0];
    results->count--;
    memmove(results->results, results->results + 1, results->count * sizeof *results->results);
    return true;
}

/* Buffers. */

static void fill_with_garbage(const struct fake_op *op)
{
    for (int i = 0; i < op->iovcnt; i++) {
        if (op->iov[i].iov_len > 0)
            memset(op->iov[i].iov_base, GARBAGE, op->iov[i].iov_len);
    }
}

static const struct fake_store *source_of(const struct fake_handle *handle)
{
    return handle->snapshot ? handle->snapshot : handle->image->store;
}

static void deliver(const struct fake_op *op, size_t length)
{
    uint64_t offset = op->offset;

    for (int i = 0; i < op->iovcnt && length > 0; i++) {
        size_t part = op->iov[i].iov_len < length ? op->iov[i].iov_len : length;

        fake_store_read(source_of(op->handle), offset, op->iov[i].iov_base, part);
        offset += part;
        length -= part;
    }
}

static void land_late(const struct fake_op *op, size_t length)
{
    uint64_t offset = op->offset;

    for (int i = 0; i < op->iovcnt && length > 0; i++) {
        size_t part = op->iov[i].iov_len < length ? op->iov[i].iov_len : length;

        fake_store_write(op->handle->image->store, offset, op->iov[i].iov_base, part);
        offset += part;
        length -= part;
    }
}

static void land(const struct fake_op *op, size_t length)
{
    op->handle->landed = op->sequence;
    if (op->handle->image->removed)
        return;
    if (op->copied_data)
        fake_store_write(op->handle->image->store, op->offset, op->copied_data, length);
    else
        land_late(op, length);
}

/* Effects. */

/* 0, or the error of a request that cannot be. The order is the real one's. */
static int check(const struct fake_op *op)
{
    bool denied = op->kind == FAKE_WRITE && fake_handle_is_fixed(op->handle);

    if (op->length == 0)
        return denied ? -EROFS : 0;
    if (op->offset >= fake_handle_size(op->handle))
        return -EINVAL;
    if (denied)
        return -EROFS;
    return fake_handle_is_fenced(op->handle) ? -ESHUTDOWN : 0;
}

/* What of the range is inside the image. */
static size_t inside(const struct fake_op *op)
{
    uint64_t size = fake_handle_size(op->handle);
    uint64_t left = op->offset < size ? size - op->offset : 0;

    return op->length < left ? op->length : (size_t)left;
}

static ssize_t read_naturally(struct fake_op *op)
{
    size_t length = inside(op);

    length -= length < shortening ? length : shortening;
    shortening = 0;
    deliver(op, length);
    return (ssize_t)length;
}

static ssize_t fail(const struct fake_op *op, ssize_t error)
{
    if (op->kind == FAKE_READ)
        fill_with_garbage(op);
    if (op->kind == FAKE_WRITE && land_failed && check(op) == 0)
        land(op, inside(op));
    return error;
}

static ssize_t succeed(struct fake_op *op, const ssize_t *wanted)
{
    if (op->kind == FAKE_READ && !wanted)
        return read_naturally(op);
    if (op->kind == FAKE_READ)
        deliver(op, (size_t)*wanted < op->length ? (size_t)*wanted : op->length);
    else
        land(op, inside(op));
    return wanted ? *wanted : 0;
}

ssize_t fake_effect(struct fake_op *op)
{
    ssize_t wanted;
    int error;

    if (op->error)
        return fail(op, op->error);
    if (op->kind == FAKE_FLUSH)
        return fake_effect_flush(op->handle, op->sequence);
    if (take_result(op->kind, &wanted))
        return wanted < 0 ? fail(op, wanted) : succeed(op, &wanted);
    error = check(op);
    return error < 0 ? error : succeed(op, NULL);
}

int fake_effect_flush(struct fake_handle *handle, uint64_t sequence)
{
    ssize_t wanted = 0;

    if (take_result(FAKE_FLUSH, &wanted) && wanted < 0)
        return (int)wanted;
    if (!fake_handle_is_fixed(handle) && fake_handle_is_fenced(handle))
        return -ESHUTDOWN;
    if (handle->flushed < sequence)
        handle->flushed = sequence;
    return 0;
}

void fake_effect_reset(void)
{
    reads.count = writes.count = flushes.count = 0;
    shortening = 0;
    land_failed = false;
}

/* What tests call. */

void fake_next_result(enum fake_kind kind, ssize_t result)
{
    struct results *results;

    fake_lock();
    results = results_of(kind);
    if (results->count == MAX_RESULTS)
        fake_abort("fake_next_result: there are %d results already", MAX_RESULTS);
    results->results[results->count++] = result;
    fake_unlock();
}

void fake_short_read(size_t bytes)
{
    fake_lock();
    shortening = bytes;
    fake_unlock();
}

void fake_land_failed_writes(bool land)
{
    fake_lock();
    land_failed = land;
    fake_unlock();
}
