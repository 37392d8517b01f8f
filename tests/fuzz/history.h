/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All changes that were ever asked of an image, and which of them can be seen at a place and a time.
 *
 * A change takes effect at one moment from its acceptance to its completion; one that failed, at most at one moment;
 * and one that was given up, some time or never. But for what is later asked of the same disk handle, a change that was
 * given up has taken effect by then, or never will: that is what the library promises of retries.
 *
 * A change is visible unless another one must have come after it. What must have is a question of times only, so that
 * nothing is modelled of how the library works.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Images are looked at in cells, each of which holds one value. Small, so that few requests are aligned to sectors. */
#define CELL 64

struct change {
    /* 0: zeroes. Otherwise no other change has it. */
    uint32_t value;
    size_t first;
    size_t end;
    /* The disk handle, and the queue, that it was asked of. */
    int handle;
    int queue;
    /* From when it may have taken effect; until when, for those who use the same handle, and for all others. */
    uint64_t from;
    uint64_t until;
    uint64_t settled;
    /* When it must have. */
    uint64_t by;
    /* It need not take effect to succeed: a discard. The image was cut off while it was under way. */
    bool optional;
    /* When a flush was over that covers it if it succeeds. */
    uint64_t flushed;
};

/* What was seen of a cell last. */
struct sight {
    uint32_t value;
    int handle;
    uint64_t from;
    uint64_t until;
};

#define NO_QUEUE (-1)
#define MAX_CHANGES 2048

struct history {
    size_t cells;
    struct sight *seen;
    size_t count;
    struct change changes[MAX_CHANGES];
};

/* Of an image of so many cells of zeroes. */
void history_begin(struct history *history, size_t cells);
void history_end(struct history *history);

/* A change is accepted. Valid until history_end. */
struct change *history_accept(struct history *history, const struct change *change);
/* It is complete; or has failed; or is given up. */
void history_succeed(const struct history *history, struct change *change);
void history_fail(struct change *change);
void history_give_up(struct change *change);

/* A flush, accepted on the queue at `from`, has succeeded. */
void history_flush(struct history *history, int handle, int queue, uint64_t from);

/* Nothing is under way for this handle any more. */
void history_settle(struct history *history, int handle);

/* A look at the image: through a handle, since `from`; or, with ANY_HANDLE, directly. */
#define ANY_HANDLE (-1)
struct look {
    int handle;
    uint64_t from;
};

/* Whether a cell can have held this value at some time from `look->from` on; and that it has been seen to. */
bool history_explains(const struct history *history, size_t cell, uint32_t value, const struct look *look);
void history_see(struct history *history, size_t cell, uint32_t value, const struct look *look);

/* What a cell of this value is filled with. */
void cell_fill(void *bytes, size_t cell, uint32_t value);
/* false: with nothing that this gives. */
bool cell_read(uint32_t *value, const void *bytes, size_t cell);

#endif
