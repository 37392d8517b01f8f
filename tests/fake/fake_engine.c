/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moves requests from submission to completion. Each open image has its requests in flight, and a queue of those that
 * may take effect. Threads take requests from the queues, let them take effect, and call back.
 */
#include <stdlib.h>

#include "fake_internal.h"

#define DEFAULT_THREADS 2
#define MAX_THREADS 64
#define NEVER UINT64_MAX

/* enum fake_kind has this many bits. */
#define KINDS 7

struct fake_handles fake_open_handles = TAILQ_HEAD_INITIALIZER(fake_open_handles);

static unsigned int inline_kinds;
static unsigned int delays[KINDS];
/* The first delay sets this, and fake_reset clears it: until then there can be requests that wait for their time. */
static bool delaying;
static bool shuffling;
static unsigned int shuffle_seed;
static bool serialized = true;
static uint64_t last_sequence;

static pthread_t threads[MAX_THREADS];
static unsigned int thread_count;
static unsigned int wanted_threads = DEFAULT_THREADS;
static bool stopping;

unsigned int fake_random(unsigned int *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void free_op(struct fake_op *op)
{
    free(op->copied_data);
    free(op->copied_compare);
    free(op->copied_iov);
    free(op);
}

/* Running. */

static void run_request(struct fake_op *op)
{
    ssize_t result = fake_effect(op);

    TAILQ_REMOVE(&op->handle->flight, op, in_flight);
    fake_completion_finish(op->completion, result);
}

static void run_event(struct fake_op *op)
{
    struct fake_watch *watch = op->watch;

    watch->running = true;
    fake_unlock();
    fake_callback_begins();
    watch->callback(watch->argument);
    fake_callback_ends();
    fake_lock();
    watch->running = false;
}

static void run(struct fake_op *op)
{
    struct fake_handle *handle = op->handle;

    handle->running++;
    if (op->kind == FAKE_EVENT)
        run_event(op);
    else
        run_request(op);
    free_op(op);
    handle->running--;
    fake_changed();
}

/* Choosing. */

/* A flush waits for the changes submitted before it. */
static bool must_wait_for_writes(const struct fake_op *op)
{
    const struct fake_op *other;

    if (op->kind != FAKE_FLUSH)
        return false;
    TAILQ_FOREACH(other, &op->handle->flight, in_flight)
    {
        if (other->sequence >= op->sequence)
            return false;
        if (other->kind & FAKE_CHANGE)
            return true;
    }
    return false;
}

static bool must_wait_for_space(const struct fake_op *op)
{
    return op->kind == FAKE_WRITE && op->handle->image->pool->full && !op->handle->full_try;
}

static bool can_run(const struct fake_op *op, uint64_t now)
{
    return op->ready_at <= now && !must_wait_for_writes(op) && !must_wait_for_space(op);
}

/* Returns the first request that can run, or with shuffling any of these. */
static struct fake_op *choose(struct fake_handle *handle, uint64_t now)
{
    struct fake_op *op, *chosen = NULL;
    unsigned int count = 0;

    if (serialized && handle->running > 0)
        return NULL;
    TAILQ_FOREACH(op, &handle->ready, queue)
    {
        if (!can_run(op, now))
            continue;
        if (!shuffling)
            return op;
        if (fake_random(&shuffle_seed) % ++count == 0)
            chosen = op;
    }
    return chosen;
}

/* Takes a request off the queues, from a different image each time. Returns NULL when none can run. */
static struct fake_op *take(void)
{
    uint64_t now = fake_now();
    struct fake_handle *handle;

    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        struct fake_op *op = choose(handle, now);

        if (!op)
            continue;
        TAILQ_REMOVE(&handle->ready, op, queue);
        TAILQ_REMOVE(&fake_open_handles, handle, next);
        TAILQ_INSERT_TAIL(&fake_open_handles, handle, next);
        return op;
    }
    return NULL;
}

/* Returns when the next delayed request is due. */
static uint64_t next_due(void)
{
    uint64_t now = fake_now(), due = NEVER;
    const struct fake_handle *handle;
    const struct fake_op *op;

    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        TAILQ_FOREACH(op, &handle->ready, queue)
        {
            if (op->ready_at > now && op->ready_at < due)
                due = op->ready_at;
        }
    }
    return due;
}

static void *run_all(void *unused)
{
    (void)unused;
    fake_lock();
    while (!stopping) {
        struct fake_op *op = take();
        uint64_t due;

        if (op) {
            run(op);
            continue;
        }
        due = delaying ? next_due() : NEVER;
        if (due == NEVER)
            fake_wait();
        else
            fake_wait_until(due);
    }
    fake_unlock();
    return NULL;
}

/* Submitting. */

void fake_engine_enqueue(struct fake_op *op)
{
    TAILQ_INSERT_TAIL(&op->handle->ready, op, queue);
    while (thread_count < wanted_threads)
        threads[thread_count++] = fake_start_thread(run_all);
    fake_changed();
}

static unsigned int delay_of(enum fake_kind kind)
{
    for (unsigned int i = 0; i < KINDS; i++) {
        if (kind == 1u << i)
            return delays[i];
    }
    return 0;
}

void fake_engine_open(struct fake_handle *handle)
{
    TAILQ_INSERT_TAIL(&fake_open_handles, handle, next);
}

void fake_engine_submit(struct fake_op *op)
{
    unsigned int delay = delay_of(op->kind);

    op->sequence = ++last_sequence;
    op->ready_at = delay ? fake_now() + delay : 0;
    if (op->kind != FAKE_EVENT)
        TAILQ_INSERT_TAIL(&op->handle->flight, op, in_flight);
    if (fake_hold_take(op))
        return;
    if (inline_kinds & op->kind && can_run(op, UINT64_MAX))
        run(op);
    else
        fake_engine_enqueue(op);
}

/* Closing and flushing. */

void fake_engine_cancel_in(struct fake_ops *ops, const struct fake_watch *watch)
{
    struct fake_op *op = TAILQ_FIRST(ops);

    while (op) {
        struct fake_op *next = TAILQ_NEXT(op, queue);

        if (op->watch == watch) {
            TAILQ_REMOVE(ops, op, queue);
            free_op(op);
        }
        op = next;
    }
}

void fake_engine_cancel_events(const struct fake_watch *watch)
{
    fake_engine_cancel_in(&watch->handle->ready, watch);
    fake_hold_cancel_events(watch);
    while (watch->running)
        fake_wait();
}

void fake_engine_close(struct fake_handle *handle)
{
    if (!TAILQ_EMPTY(&handle->flight))
        fake_abort("the image \"%s\" has requests in flight", handle->object.name);
    while (handle->running > 0)
        fake_wait();
    TAILQ_REMOVE(&fake_open_handles, handle, next);
}

int fake_engine_flush(struct fake_handle *handle)
{
    struct fake_op marker = {.kind = FAKE_FLUSH, .handle = handle, .sequence = ++last_sequence};

    while (must_wait_for_writes(&marker))
        fake_wait();
    return fake_effect_flush(handle, marker.sequence);
}

bool fake_engine_callbacks_over(const void *unused)
{
    const struct fake_handle *handle;

    (void)unused;
    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        if (handle->running > 0)
            return false;
    }
    return true;
}

static bool is_idle(const void *unused)
{
    const struct fake_handle *handle;

    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        if (!TAILQ_EMPTY(&handle->ready))
            return false;
    }
    return fake_engine_callbacks_over(unused);
}

void fake_engine_reset(void)
{
    unsigned int count = thread_count;

    stopping = true;
    fake_changed();
    fake_unlock();
    for (unsigned int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    fake_lock();
    stopping = false;
    thread_count = 0;
    wanted_threads = DEFAULT_THREADS;
    serialized = true;
    inline_kinds = 0;
    delaying = shuffling = false;
    for (size_t i = 0; i < KINDS; i++)
        delays[i] = 0;
}

/* Tests call these functions. */

size_t fake_in_flight(void)
{
    const struct fake_handle *handle;
    const struct fake_op *op;
    size_t count = 0;

    fake_lock();
    TAILQ_FOREACH(handle, &fake_open_handles, next)
    {
        TAILQ_FOREACH(op, &handle->flight, in_flight)
        count++;
    }
    fake_unlock();
    return count;
}

bool fake_wait_idle(void)
{
    bool idle;

    fake_lock();
    idle = fake_wait_for(is_idle, NULL);
    fake_unlock();
    return idle;
}

void fake_delay(unsigned int kinds, unsigned int microseconds)
{
    fake_lock();
    for (unsigned int i = 0; i < KINDS; i++) {
        if (kinds & 1u << i)
            delays[i] = microseconds;
    }
    delaying |= microseconds > 0;
    fake_unlock();
}

void fake_shuffle(unsigned int seed)
{
    fake_lock();
    shuffling = seed != 0;
    shuffle_seed = seed;
    fake_unlock();
}

void fake_inline(unsigned int kinds)
{
    fake_lock();
    inline_kinds = kinds & FAKE_IO;
    fake_unlock();
}

void fake_set_threads(unsigned int count)
{
    fake_lock();
    if (thread_count > 0 || count == 0 || count > MAX_THREADS)
        fake_abort("fake_set_threads: from 1 to %d, before the first request", MAX_THREADS);
    wanted_threads = count;
    fake_unlock();
}

void fake_set_serialized(bool wanted)
{
    fake_lock();
    serialized = wanted;
    fake_unlock();
}
