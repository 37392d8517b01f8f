/* SPDX-License-Identifier: MIT */
#include "cat/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/descriptor.h"

/* The unit in which file systems allocate. A run of zeroes that fills no block would save no space. */
enum { BLOCK = 4096 };

void output_init(struct output *output, int fd)
{
    struct stat status;
    *output = (struct output){.fd = fd};
    descriptor_widen_pipe(fd);
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return;
    /* With O_APPEND a write goes to the end of the file whatever its position, so skipped zeroes would be lost. */
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || flags & O_APPEND)
        return;
    output->position = lseek(fd, 0, SEEK_CUR);
    output->makes_holes = output->position >= status.st_size;
    output->punches_holes = !output->makes_holes;
}

static int skip_hole(struct output *output)
{
    if (output->hole == 0)
        return 0;
    if (lseek(output->fd, output->hole, SEEK_CUR) < 0)
        return -errno;
    output->position += output->hole;
    output->hole = 0;
    return 0;
}

static int write_data(struct output *output, const char *data, size_t length)
{
    int result = skip_hole(output);
    if (result == 0)
        result = descriptor_write(output->fd, data, length);
    if (result == 0)
        output->position += (off_t)length;
    return result;
}

/* If the first bytes are zero, and each later byte equals the one that many bytes before it, all bytes are zero. */
static bool is_zero(const char *data, size_t length)
{
    enum { FEW = 16 };
    for (size_t i = 0; i < FEW && i < length; i++) {
        if (data[i] != 0)
            return false;
    }
    return length <= FEW || memcmp(data, data + FEW, length - FEW) == 0;
}

/* Returns the distance from file position `at` to the end of its block, but at most `length`. */
static size_t block_length(off_t at, size_t length)
{
    size_t to_bound = (size_t)(BLOCK - at % BLOCK);
    return to_bound < length ? to_bound : length;
}

/* Returns how many bytes come before the first block of zeroes. */
static size_t data_length(const char *data, size_t length, off_t at)
{
    size_t done = 0;
    while (done < length) {
        size_t block = block_length(at + (off_t)done, length - done);
        if (is_zero(data + done, block))
            break;
        done += block;
    }
    return done;
}

static int write_with_holes(struct output *output, const char *data, size_t length)
{
    while (length > 0) {
        off_t at = output->position + output->hole;
        size_t run = data_length(data, length, at);
        int result = run > 0 ? write_data(output, data, run) : 0;
        if (result < 0)
            return result;
        size_t zeroes = run < length ? block_length(at + (off_t)run, length - run) : 0;
        output->hole += (off_t)zeroes;
        data += run + zeroes;
        length -= run + zeroes;
    }
    return 0;
}

/*
 * vmsplice would save a copy on the way into a pipe, but it is not safe. A reader that splices the pages on still uses
 * them when the pipe is empty, and nothing reports when it has finished.
 */
int output_write(struct output *output, const void *data, size_t length)
{
    return output->makes_holes ? write_with_holes(output, data, length) : descriptor_write(output->fd, data, length);
}

static int write_zeroes(int fd, uint64_t length)
{
    static const char zeroes[256 << 10];
    int result = 0;
    while (result == 0 && length > 0) {
        size_t part = length < sizeof zeroes ? (size_t)length : sizeof zeroes;
        result = descriptor_write(fd, zeroes, part);
        length -= part;
    }
    return result;
}

/* A hole beyond the end of the file does not make it longer; output_finish does. */
static int punch_hole(struct output *output, uint64_t length)
{
    off_t position = lseek(output->fd, 0, SEEK_CUR);
    if (position < 0)
        return -errno;
    if (length > (uint64_t)(INT64_MAX - position))
        return -EFBIG;
    if (fallocate(output->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, (off_t)length) < 0) {
        /* This file system cannot punch holes. */
        output->punches_holes = false;
        return write_zeroes(output->fd, length);
    }
    return lseek(output->fd, (off_t)length, SEEK_CUR) < 0 ? -errno : 0;
}

int output_write_zeroes(struct output *output, uint64_t length)
{
    if (output->punches_holes)
        return punch_hole(output, length);
    if (!output->makes_holes)
        return write_zeroes(output->fd, length);
    if (length > (uint64_t)(INT64_MAX - output->position - output->hole))
        return -EFBIG;
    output->hole += (off_t)length;
    return 0;
}

/* Makes the file as long as its position, never shorter: another process may have written after that position. */
static int extend(int fd)
{
    struct stat status;
    off_t position = lseek(fd, 0, SEEK_CUR);
    if (position < 0 || fstat(fd, &status) < 0)
        return -errno;
    return status.st_size < position && ftruncate(fd, position) < 0 ? -errno : 0;
}

int output_finish(struct output *output)
{
    int result = skip_hole(output);
    if (result < 0 || !(output->makes_holes || output->punches_holes))
        return result;
    return extend(output->fd);
}
