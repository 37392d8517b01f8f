/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing a descriptor of any kind: file, pipe, device, terminal; blocking or not.
 */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads until `length` bytes are there or the input ends. Returns how many bytes there are, fewer than `length` only
 * at the end; or a negative errno, and then *buffer may hold part of the input.
 */
ssize_t descriptor_read(int fd, void *buffer, size_t length);

/* Writes all of it. Returns 0 or a negative errno; -EPIPE when the reader of a pipe has gone away. */
int descriptor_write(int fd, const void *data, size_t length);

/*
 * How much is left to read, when that can be told: of a regular file or a block device. The file may hold more when
 * it is read: it can grow, and those in /proc say 0.
 */
bool descriptor_remaining(uint64_t *remaining, int fd);

/*
 * Has a pipe hold a megabyte, if the system allows: what it holds by itself is full sixteen times as often, and each
 * time one end goes to sleep. Does nothing to other descriptors.
 */
void descriptor_widen_pipe(int fd);

#endif
