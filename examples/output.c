/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"

/* What file systems allocate: a run of zeroes that fills no block saves nothing. */
enum { BLOCK = 4096 };

void output_start(struct output *output, int fd)
{
    struct stat status;
    *output = (struct output){.fd = fd};
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return;
    /* With O_APPEND a write goes to the end wherever the position is, so skipping would lose the zeroes. */
    int flags = fcntl(fd, F_GETFL);
    output->position = lseek(fd, 0, SEEK_CUR);
    output->makes_holes = flags >= 0 && !(flags & O_APPEND) && output->position >= status.st_size;
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

/* Once a few bytes are known to be zero, that each equals the one so far before it says the same of the rest. */
static bool is_zero(const char *data, size_t length)
{
    enum { FEW = 16 };
    for (size_t i = 0; i < FEW && i < length; i++) {
        if (data[i] != 0)
            return false;
    }
    return length <= FEW || memcmp(data, data + FEW, length - FEW) == 0;
}

/* The bytes from file position `at` on to the next bound of a block. */
static size_t block_length(off_t at, size_t length)
{
    size_t to_bound = (size_t)(BLOCK - at % BLOCK);
    return to_bound < length ? to_bound : length;
}

/* How many bytes there are before the first block that is zero. */
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

int output_write(struct output *output, const void *data, size_t length)
{
    return output->makes_holes ? write_with_holes(output, data, length) : descriptor_write(output->fd, data, length);
}

int output_finish(struct output *output)
{
    struct stat status;
    int result = skip_hole(output);
    if (result < 0 || !output->makes_holes)
        return result;
    if (fstat(output->fd, &status) < 0)
        return -errno;
    /* Only ever longer: somebody else may have written behind us. */
    return status.st_size < output->position && ftruncate(output->fd, output->position) < 0 ? -errno : 0;
}
