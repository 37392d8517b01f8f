/* SPDX-License-Identifier: MIT */
/*
 * Writing a disk's contents to a descriptor of any kind, with holes for zeroes where a file can have them.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct output {
    int fd;
    /* Zeroes may be skipped: the descriptor is a file that has nothing to be written over from its position on. */
    bool makes_holes;
    /* It is a file that has: holes can be punched into it where it is known that there are only zeroes. */
    bool punches_holes;
    /* Where the file's position is; only kept for a file that gets holes. */
    off_t position;
    /* Zeroes not yet skipped: the position is to go on by as much before the next byte is written. */
    off_t hole;
};

void output_init(struct output *output, int fd);

/* Writes all of it. Returns 0 or a negative errno; -EPIPE when the reader of a pipe has gone away. */
int output_write(struct output *output, const void *data, size_t length);

/* The same for zeroes, as many as there are, which are not even looked at where the descriptor takes holes. */
int output_write_zeroes(struct output *output, uint64_t length);

/*
 * Gives a file that ends in a hole its length, and leaves its position at the end for whoever writes next. To be
 * called after a failed write too. Returns 0 or a negative errno.
 */
int output_finish(struct output *output);

#endif
