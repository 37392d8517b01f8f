/* SPDX-License-Identifier: MIT */
/*
 * Shows a progress bar on standard error: how much is done, how fast, and how long the rest takes.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* A total that is not known. */
#define PROGRESS_UNKNOWN UINT64_MAX

/* The shortest time between two drawings. */
#define PROGRESS_INTERVAL_MS 200

/* What the options --progress and --quiet say. */
struct progress_options {
    bool wanted;
    bool unwanted;
};

/* Checks that only one of the options is given. Returns 0, or TOOL_USAGE after a message. */
int progress_check_options(const struct progress_options *options);

/* Returns whether to show progress. Without either option it depends on whether standard error is a terminal. */
bool progress_is_wanted(const struct progress_options *options);

struct progress {
    /* False to draw nothing. The owner sets this field and the next one; progress_start sets the others. */
    bool shown;
    /* True if `done` and `total` do not count bytes. The bar then shows neither amounts nor a rate. */
    bool is_share;
    uint64_t total;
    uint64_t done;
    int64_t started_ms;
    /* The state at the last drawing. */
    int64_t drawn_ms;
    uint64_t drawn_done;
    int drawn_width;
    /* Bytes per second. The latest measurements count most. */
    double rate;
};

/* Starts the clock. `total` may be PROGRESS_UNKNOWN. */
void progress_start(struct progress *progress, uint64_t total);

/* Notes how much is done. Draws the bar if the last drawing is old enough, so that frequent calls cost little. */
void progress_update(struct progress *progress, uint64_t done);

/* Draws the bar a last time and ends its line. Does nothing before progress_start or when called again. */
void progress_finish(struct progress *progress);

#endif
