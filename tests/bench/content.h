/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands at an offset of a disk: it follows from the disk and the offset alone. So whoever writes there, and how
 * often, a read can be checked, and overlapping writes in flight do no harm.
 */
#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

/* `length` and `offset` are multiples of 8, and the buffer is aligned to that. */
void content_fill(void *buffer, uint64_t length, unsigned int disk, uint64_t offset);
bool content_is_right(const void *buffer, uint64_t length, unsigned int disk, uint64_t offset);

#endif
