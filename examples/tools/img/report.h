/* SPDX-License-Identifier: MIT */
/*
 * What a command prints on standard output: collected first, then printed whole or, after a failure, not at all.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include <vdisk/vdisk.h>

struct report {
    /* To be written to. */
    FILE *stream;
    char *text;
    size_t length;
};

/* On failure there is nothing to release. */
int report_open(struct report *report, struct vdisk_error *err);

/* Prints the report and releases it; with a negative `result`, only the latter. Returns that, or 0 or its own error. */
int report_finish(struct report *report, int result, struct vdisk_error *err);

#endif
