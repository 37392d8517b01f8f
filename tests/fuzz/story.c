/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "story.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LINES 512
#define WIDTH 128

static char lines[LINES][WIDTH];
static unsigned int count;
static uint64_t now;

void story_begin(void)
{
    count = 0;
    now = 0;
}

uint64_t story_tick(void)
{
    return ++now;
}

void story_add(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(lines[count++ % LINES], WIDTH, format, args);
    va_end(args);
}

void story_fail(const char *file, int line, const char *what)
{
    for (unsigned int i = count > LINES ? count - LINES : 0; i < count; i++)
        fprintf(stderr, "%s\n", lines[i % LINES]);
    fprintf(stderr, "%s:%d: must hold: %s\n", file, line, what);
    abort();
}
