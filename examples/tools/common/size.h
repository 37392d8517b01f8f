/* SPDX-License-Identifier: MIT */
/*
 * Sizes as people write them: a number of bytes, or a number with the suffix K, M, G or T for a power of 1024.
 */
#ifndef SIZE_H
#define SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Reads all of `text`. Returns false, and leaves *size alone, if it is not a size or is too large. */
bool size_parse(uint64_t *size, const char *text);

/* A size for people, such as "1.5 GiB". */
struct size_text {
    char text[32];
};

/* Writes `size` in the largest unit of which it has at least one. Returns text->text. */
const char *size_format(struct size_text *text, double size);

#endif
