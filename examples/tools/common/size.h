/* SPDX-License-Identifier: MIT */
/*
 * Sizes as people write them: bytes, or with K, M, G or T in powers of 1024.
 */
#ifndef SIZE_H
#define SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Reads all of `text`. False, with *size untouched, when it is no size or does not fit. */
bool size_parse(uint64_t *size, const char *text);

/* "1.5 GiB". */
struct size_text {
    char text[32];
};

/* Writes `size` in the largest unit it fills at least once. Returns text->text. */
const char *size_format(struct size_text *text, double size);

#endif
