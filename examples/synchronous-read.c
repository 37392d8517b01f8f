/* SPDX-License-Identifier: MIT */
/*
 * Reads a range of a disk or a snapshot, with calls that wait for the result, and writes it to standard output:
 *
 *   synchronous-read rbd:rbd/disk@monday 1048576 65536 > range.raw
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

/* vdisk_pread takes any length. Reading in pieces bounds the memory of this program. */
#define PIECE (UINT64_C(4) << 20)

static int fail(struct vdisk_error *err, int code, const char *what)
{
    snprintf(err->message, sizeof err->message, "%s: %s.", what, strerror(-code));
    return err->code = code;
}

static int copy_range(struct vdisk *disk, uint64_t offset, uint64_t length, struct vdisk_error *err)
{
    char *buffer = malloc(PIECE);
    int r = buffer ? 0 : fail(err, -ENOMEM, "Cannot allocate a buffer");
    while (r == 0 && length > 0) {
        uint64_t piece = length < PIECE ? length : PIECE;
        r = vdisk_pread(disk, buffer, piece, offset, 0, err);
        if (r == 0 && fwrite(buffer, 1, piece, stdout) != piece)
            r = fail(err, -errno, "Cannot write to standard output");
        offset += piece;
        length -= piece;
    }
    if (r == 0 && fflush(stdout) != 0)
        r = fail(err, -errno, "Cannot write to standard output");
    free(buffer);
    return r;
}

static bool parse_number(uint64_t *value, const char *text)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

int main(int argc, char **argv)
{
    struct vdisk_open_options options;
    struct vdisk_error err = {0};
    struct vdisk *disk;
    uint64_t offset = 0, length = 0;
    if (argc != 4 || !parse_number(&offset, argv[2]) || !parse_number(&length, argv[3])) {
        fprintf(stderr, "usage: synchronous-read URI OFFSET LENGTH\n");
        return 2;
    }
    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_READ_ONLY; /* A snapshot cannot be opened without it. */
    int r = vdisk_open_uri(&disk, argv[1], &options, &err);
    if (r == 0) {
        r = copy_range(disk, offset, length, &err);
        /* The first error is the one to report. */
        int closed = vdisk_close(disk, r == 0 ? &err : NULL);
        r = r == 0 ? closed : r;
    }
    if (r < 0)
        fprintf(stderr, "synchronous-read: %s\n", err.message);
    return r < 0;
}
