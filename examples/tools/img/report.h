/* SPDX-License-Identifier: MIT */
/*
 * Collects what a command prints. Standard output gets all of it or, after a failure, nothing.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include <vdisk/vdisk.h>

struct report {
    /* The command writes to this stream. */
    FILE *stream;
    char *text;
    size_t length;
};

/* Returns 0 or a negative errno; after a failure there is nothing to finish. */
int report_open(struct report *report, struct vdisk_error *err);

/*
 * Prints the report, unless the command ended with a negative `result`, and frees it. Returns the first failure or 0.
 */
int report_finish(struct report *report, int result, struct vdisk_error *err);

#endif
