/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applies requests to images and buffers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define GARBAGE 0xdb
#define SECTOR 512
#define MAX_RESULTS 256

/* Holds the results that the test wants for requests of one kind, the next one first. */
struct results {
    enum fake_kind kind;
    size_t count;
    ssize_t results[MAX_RESULTS];
};

static struct results all_results[] = {
    {.kind = FAKE_READ},    {.kind = FAKE_WRITE},  {.kind = FAKE_FLUSH},
    {.kind = FAKE_DISCARD}, {.kind = FAKE_ZEROES}, {.kind = FAKE_COMPARE},
};

#define RESULT_KINDS (sizeof all_results / sizeof *all_results)

static size_t shortening;
static bool land_failed;

static struct results *results_of(enum fake_kind kind)
{
    for (size_t i = 0; i < RESULT_KINDS; i++) {
        if (all_results[i].kind == kind)
            return &all_results[i];
    }
    fake_abort("fake_next_result: %d is not one kind of request", (int)kind);
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

/* Returns where in the image the request begins. */
static uint64_t place_of(const struct fake_op *op)
{
    return op->handle->data_offset + op->offset;
}

static void deliver(const struct fake_op *op, size_t length)
{
    uint64_t offset = place_of(op);

    for (int i = 0; i < op->iovcnt && length > 0; i++) {
        size_t part = op->iov[i].iov_len < length ? op->iov[i].iov_len : length;

        fake_store_read(source_of(op->handle), offset, op->iov[i].iov_base, part);
        offset += part;
        length -= part;
    }
}

static void land_late(const struct fake_op *op, size_t length)
{
    uint64_t offset = place_of(op);

    for (int i = 0; i < op->iovcnt && length > 0; i++) {
        size_t part = op->iov[i].iov_len < length ? op->iov[i].iov_len : length;

        fake_store_write(op->handle->image->store, offset, op->iov[i].iov_base, part);
        offset += part;
        length -= part;
    }
}

static void land_zeroes(const struct fake_op *op, size_t length)
{
    struct fake_store *store = op->handle->image->store;
    void *zeroes;

    fake_store_zero(store, place_of(op), length);
    if (!op->thick)
        return;
    zeroes = fake_alloc(length);
    fake_store_write(store, place_of(op), zeroes, length);
    free(zeroes);
}

static void land(const struct fake_op *op, size_t length)
{
    fake_lock_take(op->handle);
    op->handle->landed = op->sequence;
    if (op->handle->image->removed)
        return;
    if (op->kind == FAKE_DISCARD)
        fake_discard(op->handle, place_of(op), length);
    else if (op->kind == FAKE_ZEROES)
        land_zeroes(op, length);
    else if (op->copied_data)
        fake_store_write(op->handle->image->store, place_of(op), op->copied_data, length);
    else
        land_late(op, length);
}

/* Comparing. */

/* The real librbd allows no more than a sector, though its documentation speaks of stripe units. */
static bool crosses_a_boundary(const struct fake_op *op)
{
    uint64_t unit = op->handle->image->stripe_unit < SECTOR ? op->handle->image->stripe_unit : SECTOR;

    return op->offset % unit + op->length > unit;
}

/*
 * The real librbd mistakes the position of the mismatch in the request for a position in the object. It reports where
 * that is in the image: in the first stripe unit of the object that holds the request.
 */
static uint64_t told_mismatch(const struct fake_op *op, uint64_t place)
{
    const struct fake_image *image = op->handle->image;
    uint64_t set_size = image->stripe_count << image->order;
    uint64_t within = op->offset % set_size;

    return op->offset - within + within / image->stripe_unit % image->stripe_count * image->stripe_unit + place;
}

static ssize_t compare(const struct fake_op *op)
{
    char found[SECTOR];

    fake_store_read(op->handle->image->store, place_of(op), found, op->length);
    for (size_t i = 0; i < op->length; i++) {
        if (found[i] == op->copied_compare[i])
            continue;
        if (op->mismatch)
            *op->mismatch = told_mismatch(op, i);
        return -EILSEQ;
    }
    return 0;
}

/* Effects. */

/* Returns 0, or the error of a request that is not possible. The order of the checks is that of the real librbd. */
static int check(const struct fake_op *op)
{
    bool denied = op->kind & FAKE_CHANGE && fake_handle_is_fixed(op->handle);

    if (op->length == 0)
        return denied ? -EROFS : 0;
    if (op->offset >= fake_handle_size(op->handle))
        return -EINVAL;
    if (denied)
        return -EROFS;
    if (op->kind == FAKE_COMPARE && crosses_a_boundary(op))
        return -EINVAL;
    if (fake_handle_is_fenced(op->handle))
        return -ESHUTDOWN;
    if (op->kind & FAKE_CHANGE && fake_lock_is_kept_from(op->handle))
        return -EROFS;
    return op->kind == FAKE_WRITE ? -op->handle->image->pool->full : 0;
}

/* Returns how much of the range is inside the image. */
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
    if (op->kind & FAKE_CHANGE && land_failed && check(op) == 0)
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
    if (error == 0 && op->kind == FAKE_COMPARE)
        error = (int)compare(op);
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
    for (size_t i = 0; i < RESULT_KINDS; i++)
        all_results[i].count = 0;
    shortening = 0;
    land_failed = false;
}

/* Tests call these functions. */

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
