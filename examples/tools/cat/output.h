/* SPDX-License-Identifier: MIT */
/*
 * Writes the contents of a disk to a descriptor of any kind. In a regular file, zeroes become holes.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct output {
    int fd;
    /* Zeroes are skipped, because the descriptor is a regular file without data at or after its position. */
    bool makes_holes;
    /* The regular file has such data. Holes are punched into it where the caller asks for zeroes. */
    bool punches_holes;
    /* The file's position. Only valid with makes_holes. */
    off_t position;
    /* How many zeroes to skip before the next byte is written. */
    off_t hole;
};

/* Finds out how `fd` takes zeroes, and makes it larger if it is a pipe. */
void output_init(struct output *output, int fd);

/* Writes all of the data. Returns 0 or a negative errno, which is -EPIPE if the reader of a pipe has closed it. */
int output_write(struct output *output, const void *data, size_t length);

/* Writes zeroes. They cost nothing where they become a hole. Returns as output_write does. */
int output_write_zeroes(struct output *output, uint64_t length);

/*
 * Sets the length of a file that ends in a hole, and its position to the end, where the next program goes on writing.
 * The caller does this after a failed write too. Returns 0 or a negative errno.
 */
int output_finish(struct output *output);

#endif
