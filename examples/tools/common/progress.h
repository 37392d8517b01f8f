/* SPDX-License-Identifier: MIT */
/*
 * A progress bar on standard error: how much is done, how fast, and how long the rest takes.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* For `total`: nobody can tell. */
#define PROGRESS_UNKNOWN UINT64_MAX

/* How often the bar is worth drawing. */
#define PROGRESS_INTERVAL_MS 200

/* The options --progress and --quiet. */
struct progress_options {
    bool wanted;
    bool unwanted;
};

/* Checks that not both options are given. Returns 0, or TOOL_USAGE after a message. */
int progress_check_options(const struct progress_options *options);

/* Whether to show progress: without either option, where standard error is a terminal. */
bool progress_is_wanted(const struct progress_options *options);

struct progress {
    /* False: nothing is drawn. To be set by the owner; all that follows is by progress_start. */
    bool shown;
    /* True: it is not bytes that are counted, and the figures would say nothing. To be set by the owner too. */
    bool is_share;
    uint64_t total;
    uint64_t done;
    int64_t started_ms;
    /* Of the last drawing: */
    int64_t drawn_ms;
    uint64_t drawn_done;
    int drawn_width;
    /* Bytes in a second, the latest weighing most. */
    double rate;
};

void progress_start(struct progress *progress, uint64_t total);

/* To be called as often as one likes. */
void progress_update(struct progress *progress, uint64_t done);

/* Draws once more and ends the line. Without a start, or again, it does nothing. */
void progress_finish(struct progress *progress);

#endif
