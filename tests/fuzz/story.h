/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has happened in a stream so far, to be told when something must not have. It has a clock, too: each event has a
 * time of its own.
 */
#ifndef STORY_H
#define STORY_H

#include <stdbool.h>
#include <stdint.h>

/* Later than everything. */
#define NEVER UINT64_MAX

/* Begins anew, at the time 0. */
void story_begin(void);

/* The time of another event. */
uint64_t story_tick(void);

/* Adds a line. Of a long story, the beginning is forgotten. */
void story_add(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells the story and aborts. */
void story_fail(const char *file, int line, const char *what) __attribute__((noreturn));

/* What must hold does not. */
#define broken(what) story_fail(__FILE__, __LINE__, what)

#define require(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            story_fail(__FILE__, __LINE__, #condition);                                                                \
    } while (0)

#endif
