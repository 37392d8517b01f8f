/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the completions of librbd, from their creation to their release. */
#include <stdlib.h>

#include "fake_internal.h"

#define MAGIC 0xc0347e7eu

/* The fake keeps this many released completions, so that it notices a second release. */
#define QUARANTINE 1024

TAILQ_HEAD(completions, fake_completion);

static struct completions live = TAILQ_HEAD_INITIALIZER(live);
static struct completions dead = TAILQ_HEAD_INITIALIZER(dead);
static size_t dead_count;

static struct fake_completion *get(rbd_completion_t pointer)
{
    struct fake_completion *completion = pointer;

    if (!completion || completion->magic != MAGIC)
        fake_abort("%p is no completion", pointer);
    if (completion->released)
        fake_abort("the completion is released");
    return completion;
}

static void free_oldest(void)
{
    struct fake_completion *completion = TAILQ_FIRST(&dead);

    TAILQ_REMOVE(&dead, completion, next);
    dead_count--;
    free(completion);
}

static void drop(struct fake_completion *completion)
{
    if (--completion->references > 0)
        return;
    TAILQ_REMOVE(&live, completion, next);
    TAILQ_INSERT_TAIL(&dead, completion, next);
    if (++dead_count > QUARANTINE)
        free_oldest();
}

int rbd_aio_create_completion(void *argument, rbd_callback_t callback, rbd_completion_t *result)
{
    int r = fake_enter(FN_rbd_aio_create_completion);
    struct fake_completion *completion;

    if (r < 0)
        return fake_leave(r);
    completion = fake_alloc(sizeof *completion);
    completion->magic = MAGIC;
    completion->references = 1;
    completion->callback = callback;
    completion->argument = argument;
    TAILQ_INSERT_TAIL(&live, completion, next);
    *result = completion;
    return fake_leave(0);
}

ssize_t rbd_aio_get_return_value(rbd_completion_t c)
{
    const struct fake_completion *completion;
    ssize_t result;

    fake_enter(FN_rbd_aio_get_return_value);
    completion = get(c);
    if (completion->state != FAKE_CALLING && completion->state != FAKE_DONE)
        fake_abort("the completion is not complete");
    result = completion->result;
    fake_leave(0);
    return result;
}

void *rbd_aio_get_arg(rbd_completion_t c)
{
    void *argument;

    fake_enter(FN_rbd_aio_get_arg);
    argument = get(c)->argument;
    fake_leave(0);
    return argument;
}

/* A completion that was never submitted, or whose submission failed, can be released, too. */
void rbd_aio_release(rbd_completion_t c)
{
    struct fake_completion *completion;

    fake_enter(FN_rbd_aio_release);
    completion = get(c);
    if (completion->state == FAKE_SUBMITTED)
        fake_abort("the completion is not complete");
    completion->released = true;
    drop(completion);
    fake_leave(0);
}

struct fake_completion *fake_completion_get(rbd_completion_t c)
{
    struct fake_completion *completion = get(c);

    if (completion->state != FAKE_UNUSED)
        fake_abort("the completion was submitted before");
    return completion;
}

void fake_completion_submitted(struct fake_completion *completion)
{
    completion->state = FAKE_SUBMITTED;
    completion->references++;
}

void fake_completion_finish(struct fake_completion *completion, ssize_t result)
{
    completion->state = FAKE_CALLING;
    completion->result = result;
    fake_unlock();
    fake_callback_begins();
    if (completion->callback)
        completion->callback(completion, completion->argument);
    fake_callback_ends();
    fake_lock();
    completion->state = FAKE_DONE;
    drop(completion);
}

size_t fake_completions_open(struct fake_text *text)
{
    static const char *const states[] = {"never submitted", "in flight", "called back", "called back"};
    const struct fake_completion *completion;
    size_t count = 0;

    TAILQ_FOREACH(completion, &live, next)
    {
        if (completion->released)
            continue;
        fake_text_add(text, "completion, %s; ", states[completion->state]);
        count++;
    }
    return count;
}

void fake_completions_free(void)
{
    while (!TAILQ_EMPTY(&dead))
        free_oldest();
}
