/* SPDX-License-Identifier: MIT */
#include "common/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Returns whether to repeat a call that failed with errno. If the descriptor does not block, this waits for `events` on
 * it first. Keeps errno.
 */
static bool retry_when(int fd, short events)
{
    int error = errno;
    if (error == EAGAIN) {
        struct pollfd descriptor = {.fd = fd, .events = events};
        poll(&descriptor, 1, -1);
        errno = error;
    }
    return error == EINTR || error == EAGAIN;
}

ssize_t descriptor_read(int fd, void *buffer, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t got = read(fd, (char *)buffer + done, length - done);
        if (got == 0)
            break;
        if (got < 0 && !retry_when(fd, POLLIN))
            return -errno;
        if (got > 0)
            done += (size_t)got;
    }
    return (ssize_t)done;
}

int descriptor_write(int fd, const void *data, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(fd, (const char *)data + done, length - done);
        if (written < 0 && !retry_when(fd, POLLOUT))
            return -errno;
        if (written > 0)
            done += (size_t)written;
    }
    return 0;
}

/* The st_size of a device is 0, so this seeks to its end. */
static off_t device_size(int fd, off_t position)
{
    off_t size = lseek(fd, 0, SEEK_END);
    lseek(fd, position, SEEK_SET);
    return size;
}

bool descriptor_remaining(uint64_t *remaining, int fd)
{
    struct stat status;
    if (fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)))
        return false;
    off_t position = lseek(fd, 0, SEEK_CUR);
    if (position < 0)
        return false;
    off_t size = S_ISBLK(status.st_mode) ? device_size(fd, position) : status.st_size;
    *remaining = size > position ? (uint64_t)(size - position) : 0;
    return true;
}

void descriptor_widen_pipe(int fd)
{
    enum { WIDE = 1 << 20 };
    int size = fcntl(fd, F_GETPIPE_SZ);
    if (size >= 0 && size < WIDE)
        fcntl(fd, F_SETPIPE_SZ, WIDE);
}
