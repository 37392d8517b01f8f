/* SPDX-License-Identifier: MIT */
/*
 * Writes standard input to a disk, many writes at a time, in a loop of poll() over the input and one queue:
 *
 *   poll-loop rbd:rbd/disk < disk.raw
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vdisk/vdisk.h>

struct copy {
    struct vdisk *disk;
    struct vdisk_queue *queue;
    char data[65536];
    size_t held;     /* bytes of `data` that the queue has not accepted yet */
    uint64_t offset; /* where on the disk they belong */
    bool ended;      /* standard input has ended */
};

static int read_and_submit(struct copy *copy)
{
    ssize_t n = copy->held > 0 ? (ssize_t)copy->held : read(STDIN_FILENO, copy->data, sizeof copy->data);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    copy->held = (size_t)n;
    copy->ended = n == 0;
    if (copy->held > vdisk_get_size(copy->disk) - copy->offset)
        return -ENOSPC;
    /* The queue copies the data, so `data` can be used again when this call returns. */
    struct iovec iov = {copy->data, copy->held};
    int r = copy->ended ? 0 : vdisk_aio_writev(copy->queue, copy->disk, &iov, 1, copy->offset, 0, NULL);
    if (r == -EAGAIN)
        return 0; /* The queue is full. The data stays held, for another attempt after the next reap. */
    copy->offset += copy->held;
    copy->held = 0;
    return r;
}

/* After an error it goes on until no write is in flight, since only an idle queue can be destroyed. */
static int run_loop(struct copy *copy, struct vdisk_error *err)
{
    struct vdisk_completion done[64];
    int r = 0;
    while (vdisk_queue_in_flight(copy->queue) > 0 || (r == 0 && !copy->ended)) {
        /* While data is held, only a completion can help. poll() ignores a descriptor of -1. */
        struct pollfd fds[] = {{.fd = vdisk_queue_get_fd(copy->queue), .events = POLLIN},
                               {.fd = copy->held > 0 || copy->ended || r < 0 ? -1 : STDIN_FILENO, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            r = -errno;
        int n = vdisk_queue_reap(copy->queue, done, 64);
        for (int i = 0; i < n; i++)
            if (r == 0 && done[i].result < 0)
                r = vdisk_queue_error(copy->queue, &done[i], err);
        if (r == 0 && (copy->held > 0 || fds[1].revents != 0))
            r = read_and_submit(copy);
    }
    return r;
}

int main(int argc, char **argv)
{
    struct copy copy = {.held = 0};
    struct vdisk_error err = {-EINVAL, "Usage: poll-loop URI < FILE."};
    int r = argc == 2 ? vdisk_open_uri(&copy.disk, argv[1], NULL, &err) : -EINVAL;
    r = r == 0 ? vdisk_queue_create(&copy.queue, NULL, &err) : r;
    r = r == 0 ? run_loop(&copy, &err) : r;
    vdisk_queue_destroy(copy.queue);
    /* Closing flushes: only its 0 says that all of the input is on the cluster. */
    int closed = vdisk_close(copy.disk, r == 0 ? &err : NULL);
    r = r == 0 ? closed : r;
    if (r < 0) /* What is refused, and what the system reports, has an error number only. */
        fprintf(stderr, "poll-loop: %s\n", err.code < 0 ? err.message : strerror(-r));
    return r < 0;
}
