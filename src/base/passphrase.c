/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int allocate(struct vd_passphrase *passphrase, size_t size)
{
    /* Allocates at least one byte, so that an empty passphrase differs from no passphrase. */
    *passphrase = (struct vd_passphrase){.bytes = malloc(size + 1), .size = size};
    if (passphrase->bytes)
        return 0;
    passphrase->size = 0;
    return -ENOMEM;
}

int vd_passphrase_copy(struct vd_passphrase *passphrase, const void *bytes, size_t size)
{
    int r = allocate(passphrase, size);

    if (r == 0 && size > 0)
        memcpy(passphrase->bytes, bytes, size);
    return r;
}

void vd_passphrase_destroy(struct vd_passphrase *passphrase)
{
    if (passphrase->bytes)
        explicit_bzero(passphrase->bytes, passphrase->size);
    free(passphrase->bytes);
    *passphrase = (struct vd_passphrase){0};
}

/* Reads `room` bytes, or fewer at the end of the file. Returns how many, or a negative errno. */
static ssize_t read_all(int fd, char *bytes, size_t room)
{
    size_t size = 0;

    while (size < room) {
        ssize_t got = read(fd, bytes + size, room - size);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            size += (size_t)got;
    }
    return (ssize_t)size;
}

static int read_into(struct vd_passphrase *passphrase, int fd)
{
    /* One byte more is for the newline, and another one to notice that the file is too long. */
    int r = allocate(passphrase, VD_PASSPHRASE_MAX + 2);
    ssize_t size;

    if (r < 0)
        return r;
    size = read_all(fd, passphrase->bytes, passphrase->size);
    if (size > 0 && passphrase->bytes[size - 1] == '\n')
        size--;
    if (size > VD_PASSPHRASE_MAX)
        size = -EFBIG;
    if (size < 0) {
        vd_passphrase_destroy(passphrase);
        return (int)size;
    }
    /* The buffer also contains the newline, which is no secret, so vd_passphrase_destroy need not overwrite it. */
    passphrase->size = (size_t)size;
    return 0;
}

int vd_passphrase_read(struct vd_passphrase *passphrase, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r;

    *passphrase = (struct vd_passphrase){0};
    if (fd < 0)
        return -errno;
    r = read_into(passphrase, fd);
    close(fd);
    return r;
}
