/* SPDX-License-Identifier: MIT */
/*
 * Writes up to 1 MiB of standard input to a disk. A write that takes over a second is cancelled and tried again:
 *
 *   cancel-retry rbd:rbd/disk 1048576 < piece.raw
 *
 * Ceph may still carry out a write that was cancelled. The library holds the retry until it knows that Ceph no longer
 * will, so the cancelled write never overwrites anything newer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

enum { ATTEMPTS = 60, TIMEOUT_MS = 1000, CLOSE_MS = 10000 };

/* Returns 0, -ECANCELED after the timeout, or another error. */
static int write_in_time(struct vdisk_queue *queue, struct vdisk *disk, struct iovec *iov, uint64_t offset,
                         struct vdisk_error *err)
{
    struct vdisk_completion done = {.result = -EIO};
    int r = vdisk_aio_writev(queue, disk, iov, 1, offset, 0, iov);
    if (r < 0)
        return r;
    if (vdisk_queue_wait(queue, &done, 1, 1, TIMEOUT_MS) == 0) {
        /* Cancelling fails if the write completes just now. There is one completion to reap in both cases. */
        vdisk_queue_cancel(queue, iov);
        vdisk_queue_wait(queue, &done, 1, 1, -1);
    }
    return done.result < 0 ? vdisk_queue_error(queue, &done, err) : 0;
}

static int write_with_retries(struct vdisk *disk, struct iovec *iov, uint64_t offset, struct vdisk_error *err)
{
    struct vdisk_queue *queue;
    int r = vdisk_queue_create(&queue, NULL, err);
    for (int attempt = 1; queue && attempt <= ATTEMPTS; attempt++) {
        r = write_in_time(queue, disk, iov, offset, err);
        if (r != -ECANCELED)
            break;
        fprintf(stderr, "Attempt %d took too long and was cancelled.\n", attempt);
    }
    vdisk_queue_destroy(queue);
    return r;
}

int main(int argc, char **argv)
{
    static char data[1 << 20];
    struct vdisk_error err = {-EINVAL, "Usage: cancel-retry URI OFFSET < FILE."};
    struct vdisk *disk = NULL;
    char *end = NULL;
    uint64_t offset = argc == 3 && argv[2][0] >= '0' ? strtoull(argv[2], &end, 10) : 0;
    int r = end && *end == '\0' ? vdisk_open_uri(&disk, argv[1], NULL, &err) : -EINVAL;
    if (r == 0) {
        struct iovec iov = {data, fread(data, 1, sizeof data, stdin)};
        if (ferror(stdin))
            r = -errno;
        else if (fgetc(stdin) != EOF)
            r = -EFBIG;
        else
            r = write_with_retries(disk, &iov, offset, &err);
        /*
         * Closing flushes: only its 0 says that the data is on the cluster. It waits for cancelled writes, too. When
         * Ceph does not answer, -ETIMEDOUT says that they may still be carried out.
         */
        int closed = vdisk_close_within(disk, CLOSE_MS, r == 0 ? &err : NULL);
        r = r == 0 ? closed : r;
    }
    if (r < 0)
        fprintf(stderr, "cancel-retry: %s\n", err.code < 0 ? err.message : strerror(-r));
    return r < 0;
}
