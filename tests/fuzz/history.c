/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "story.h"

void history_begin(struct history *history, size_t cells)
{
    history->cells = cells;
    history->count = 0;
    history->seen = calloc(cells, sizeof *history->seen);
    require(history->seen);
}

void history_end(struct history *history)
{
    free(history->seen);
}

/* Changes. */

struct change *history_accept(struct history *history, const struct change *change)
{
    struct change *new = &history->changes[history->count++];

    require(history->count <= MAX_CHANGES);
    *new = *change;
    new->from = story_tick();
    new->until = new->settled = new->by = new->flushed = NEVER;
    return new;
}

void history_fail(struct change *change)
{
    change->until = change->settled = story_tick();
}

void history_give_up(struct change *change)
{
    change->until = story_tick();
}

void history_flush(struct history *history, int handle, int queue, uint64_t from)
{
    uint64_t now = story_tick();

    for (size_t i = 0; i < history->count; i++) {
        struct change *change = &history->changes[i];

        if (change->handle == handle && change->queue == queue && change->from < from && change->flushed == NEVER)
            change->flushed = now;
    }
}

void history_settle(struct history *history, int handle)
{
    uint64_t now = story_tick();

    for (size_t i = 0; i < history->count; i++) {
        struct change *change = &history->changes[i];

        if (change->handle == handle && change->settled == NEVER)
            change->settled = now;
    }
}

/* Seeing. */

static bool touches(const struct change *change, size_t cell)
{
    return change->first <= cell && cell < change->end;
}

/* By when, for those who use the handle, the change has taken effect if it ever does. */
static uint64_t over(const struct change *change, int handle)
{
    return change->handle == handle ? change->until : change->settled;
}

/* Whether another one must have come after it, before the look. */
static bool is_overwritten(const struct history *history, const struct change *change, size_t cell,
                           const struct look *look)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct change *other = &history->changes[i];

        if (other->by < look->from && touches(other, cell) && over(change, other->handle) < other->from)
            return true;
    }
    return false;
}

/* Who wrote what was seen; NULL: there can be several. */
static const struct change *writer_of(const struct history *history, const struct sight *sight)
{
    for (size_t i = 0; sight->value && i < history->count; i++) {
        if (history->changes[i].value == sight->value)
            return &history->changes[i];
    }
    return NULL;
}

/* Whether something else was seen after it. */
static bool is_seen_gone(const struct history *history, const struct change *change, size_t cell,
                         const struct look *look)
{
    const struct sight *sight = &history->seen[cell];
    const struct change *writer;

    if (sight->until == 0 || sight->until >= look->from || sight->value == change->value)
        return false;
    if (over(change, sight->handle) < sight->from)
        return true;
    writer = writer_of(history, sight);
    return writer && over(change, writer->handle) < writer->from;
}

static bool is_visible(const struct history *history, const struct change *change, size_t cell, const struct look *look)
{
    return !is_overwritten(history, change, cell, look) && !is_seen_gone(history, change, cell, look);
}

bool history_explains(const struct history *history, size_t cell, uint32_t value, const struct look *look)
{
    /* What every image begins with. */
    static const struct change nothing = {.handle = ANY_HANDLE};

    if (value == 0 && is_visible(history, &nothing, cell, look))
        return true;
    for (size_t i = 0; i < history->count; i++) {
        const struct change *change = &history->changes[i];

        if (change->value == value && touches(change, cell) && is_visible(history, change, cell, look))
            return true;
    }
    return false;
}

void history_see(struct history *history, size_t cell, uint32_t value, const struct look *look)
{
    struct sight *sight = &history->seen[cell];

    if (look->from >= sight->from)
        *sight = (struct sight){value, look->handle, look->from, story_tick()};
}

/* What was seen after a flush that, as it turns out, has covered the change. */
static void check_sights(const struct history *history, const struct change *change)
{
    for (size_t cell = change->first; cell < change->end; cell++) {
        const struct sight *sight = &history->seen[cell];
        const struct look look = {sight->handle, sight->from};

        require(history_explains(history, cell, sight->value, &look));
    }
}

void history_succeed(const struct history *history, struct change *change)
{
    change->until = change->settled = story_tick();
    if (change->optional)
        return;
    change->by = change->flushed < change->until ? change->flushed : change->until;
    if (change->by == change->flushed)
        check_sights(history, change);
}

/* Cells. */

void cell_fill(void *bytes, size_t cell, uint32_t value)
{
    unsigned char *to = bytes;

    for (size_t i = 0; i < CELL; i++)
        to[i] = (unsigned char)(value == 0 ? 0 : value * 31 + cell * 7 + i * 3);
    if (value)
        memcpy(to, &value, sizeof value);
}

bool cell_read(uint32_t *value, const void *bytes, size_t cell)
{
    unsigned char expected[CELL];

    memcpy(value, bytes, sizeof *value);
    cell_fill(expected, cell, *value);
    return memcmp(bytes, expected, CELL) == 0;
}
