/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream of bytes, taken as one of requests, of giving them up, and of faults of a librbd in memory (tests/fake/),
 * with a model that says what may come of it:
 *   - every accepted request has one final completion, in the end, and a refused one none; with a result that there is
 *     a cause for
 *   - what is read, and what is in the image afterwards, is explained by the changes in some order that is allowed
 *     (history.h): above all, what is asked again after giving up is never undone by what was given up
 *   - buffers of reads are not touched before they are reaped, and not at all when they fail
 *   - errors of flushes stick until acknowledged; a descriptor is readable when there is something to reap; the counts
 *     agree; nothing is left over
 */
#ifndef STREAM_H
#define STREAM_H

#include <stddef.h>
#include <stdint.h>

/* Lives through one stream. Aborts with its story when something is not as it must be. */
void stream_run(const uint8_t *data, size_t size);

#endif
