/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps the requests that a test holds. */
#include "fake_internal.h"

static struct fake_ops held_ops = TAILQ_HEAD_INITIALIZER(held_ops);
static unsigned int held_kinds;

bool fake_hold_take(struct fake_op *op)
{
    if (!(held_kinds & op->kind))
        return false;
    TAILQ_INSERT_TAIL(&held_ops, op, queue);
    fake_changed();
    return true;
}

void fake_hold_cancel_events(const struct fake_watch *watch)
{
    fake_engine_cancel_in(&held_ops, watch);
}

void fake_hold_reset(void)
{
    held_kinds = 0;
}

void fake_hold(unsigned int kinds)
{
    fake_lock();
    held_kinds = kinds;
    fake_unlock();
}

static size_t count_held(unsigned int kinds)
{
    const struct fake_op *op;
    size_t count = 0;

    TAILQ_FOREACH(op, &held_ops, queue)
    {
        if (op->kind & kinds)
            count++;
    }
    return count;
}

/* Returns the held request of these kinds that comes after `skip` others. */
static struct fake_op *find_held(unsigned int kinds, size_t skip)
{
    struct fake_op *op;

    TAILQ_FOREACH(op, &held_ops, queue)
    {
        if (op->kind & kinds && skip-- == 0)
            return op;
    }
    return NULL;
}

static size_t which(size_t count, enum fake_order order, unsigned int *seed)
{
    switch (order) {
    case FAKE_FIFO:
        return 0;
    case FAKE_LIFO:
        return count - 1;
    case FAKE_RANDOM:
        return fake_random(seed) % count;
    }
    return 0;
}

static size_t release(unsigned int kinds, size_t count, enum fake_order order, unsigned int seed)
{
    size_t left = count_held(kinds);
    size_t released = 0;

    for (; released < count && left > 0; released++, left--) {
        struct fake_op *op = find_held(kinds, which(left, order, &seed));

        TAILQ_REMOVE(&held_ops, op, queue);
        op->ready_at = 0;
        fake_engine_enqueue(op);
    }
    return released;
}

size_t fake_release(unsigned int kinds, size_t count, enum fake_order order, unsigned int seed)
{
    size_t released;

    fake_lock();
    released = release(kinds, count, order, seed);
    fake_unlock();
    return released;
}

void fake_release_all(void)
{
    fake_lock();
    held_kinds = 0;
    release(FAKE_ALL, SIZE_MAX, FAKE_FIFO, 0);
    fake_unlock();
}

size_t fake_held(unsigned int kinds)
{
    size_t count;

    fake_lock();
    count = count_held(kinds);
    fake_unlock();
    return count;
}

struct wanted {
    unsigned int kinds;
    size_t count;
};

static bool enough_held(const void *argument)
{
    const struct wanted *wanted = argument;

    return count_held(wanted->kinds) >= wanted->count;
}

bool fake_wait_held(unsigned int kinds, size_t count)
{
    bool held;

    fake_lock();
    held = fake_wait_for(enough_held, &(struct wanted){kinds, count});
    fake_unlock();
    return held;
}
