/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes descriptors of any kind: files, pipes, devices and terminals, blocking or not.
 */
#ifndef DESCRIPTOR_H
#define DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads until `length` bytes are there or the input ends. Returns the number of bytes, which is less than `length` only
 * at the end of the input, or a negative errno. After an error, *buffer may hold part of the input.
 */
ssize_t descriptor_read(int fd, void *buffer, size_t length);

/* Writes all of the data. Returns 0 or a negative errno, which is -EPIPE if the reader of a pipe has closed it. */
int descriptor_write(int fd, const void *data, size_t length);

/*
 * Sets *remaining to the number of bytes left to read and returns true, if `fd` is a regular file or a block device.
 * Reading may still find more: a file can grow, and files in /proc report a size of 0.
 */
bool descriptor_remaining(uint64_t *remaining, int fd);

/*
 * Makes a pipe hold 1 MiB, if the system allows it, and does nothing to other descriptors. By default a pipe holds
 * 64 KiB. It is then full 16 times as often, and each time one of the two processes goes to sleep.
 */
void descriptor_widen_pipe(int fd);

#endif
