/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "undo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made {
    void (*undo)(void *thing);
    void *thing;
};

static struct made *made;
static size_t made_count, made_room;

void undo_later(void (*undo)(void *thing), void *thing)
{
    if (made_count == made_room) {
        made_room = made_room ? 2 * made_room : 64;
        made = realloc(made, made_room * sizeof *made);
        assert_non_null(made);
    }
    made[made_count++] = (struct made){undo, thing};
}

void forget(const void *thing)
{
    size_t i = made_count;

    while (i > 0 && made[i - 1].thing != thing)
        i--;
    assert_true(i > 0);
    memmove(&made[i - 1], &made[i], (made_count - i) * sizeof *made);
    made_count--;
}

int clean_up(void **state)
{
    (void)state;
    while (made_count > 0) {
        struct made last = made[--made_count];

        last.undo(last.thing);
    }
    free(made);
    made = NULL;
    made_room = 0;
    return 0;
}

const char *text(const char *format, ...)
{
    va_list arguments;
    char *result;
    int r;

    va_start(arguments, format);
    r = vasprintf(&result, format, arguments);
    va_end(arguments);
    assert_true(r >= 0);
    undo_later(free, result);
    return result;
}
