/* SPDX-License-Identifier: MIT */
/*
 * Copies several disks or snapshots at the same time. One queue serves all of them, and epoll waits for the queue:
 *
 *   epoll-disks rbd:rbd/first@monday rbd:backup/first rbd:rbd/second@monday rbd:backup/second
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <vdisk/vdisk.h>

/* One request of each pair fits into a queue with default options, so the queue refuses none with -EAGAIN. */
enum { MAX_PAIRS = 8, PIECE = 4194304 };

struct pair {
    struct vdisk *disks[2]; /* the source and the target */
    uint64_t size, offset, length;
    int reading; /* 1 or 0: `length` bytes at `offset` are read from the source, or written to the target */
    char data[PIECE];
};

static int go_on(struct vdisk_queue *queue, struct pair *pair)
{
    struct iovec iov = {pair->data, pair->length};
    pair->reading = !pair->reading;
    if (!pair->reading)
        return vdisk_aio_writev(queue, pair->disks[1], &iov, 1, pair->offset, 0, pair);
    pair->offset += pair->length;
    pair->length = pair->size - pair->offset < PIECE ? pair->size - pair->offset : PIECE;
    iov.iov_len = pair->length;
    return pair->length == 0 ? 0 : vdisk_aio_readv(queue, pair->disks[0], &iov, 1, pair->offset, 0, pair);
}

/* After an error it runs until nothing is in flight, since only an idle queue can be destroyed. */
static int run_loop(struct vdisk_queue *queue, struct pair *pairs, int count, struct vdisk_error *err)
{
    struct vdisk_completion done[MAX_PAIRS];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = queue};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int r = epoll_ctl(epoll, EPOLL_CTL_ADD, vdisk_queue_get_fd(queue), &event) < 0 ? -errno : 0;
    for (int i = 0; r == 0 && i < count; i++)
        r = go_on(queue, &pairs[i]);
    while (vdisk_queue_in_flight(queue) > 0) {
        epoll_wait(epoll, &event, 1, -1); /* Only a signal can make it fail. Then there is just nothing to reap. */
        int n = vdisk_queue_reap(queue, done, MAX_PAIRS);
        for (int i = 0; r == 0 && i < n; i++)
            r = done[i].result < 0 ? vdisk_queue_error(queue, &done[i], err) : go_on(queue, done[i].user_data);
    }
    close(epoll);
    return r;
}

int main(int argc, char **argv)
{
    static struct pair pairs[MAX_PAIRS];
    struct vdisk_open_options options;
    struct vdisk_queue *queue = NULL;
    struct vdisk_error err = {-EINVAL, "Usage: epoll-disks SOURCE TARGET [SOURCE TARGET]..."};
    int count = argc % 2 == 1 && argc / 2 <= MAX_PAIRS ? argc / 2 : 0;
    int r = count > 0 ? vdisk_queue_create(&queue, NULL, &err) : -EINVAL;
    vdisk_open_options_init(&options, sizeof options);
    for (int i = 0; r == 0 && i < 2 * count; i++) {
        options.flags = i % 2 == 0 ? VDISK_OPEN_READ_ONLY : 0;
        r = vdisk_open_uri(&pairs[i / 2].disks[i % 2], argv[i + 1], &options, &err);
        pairs[i / 2].size = vdisk_get_size(pairs[i / 2].disks[0]);
    }
    r = r == 0 ? run_loop(queue, pairs, count, &err) : r;
    vdisk_queue_destroy(queue);
    for (int i = 0; i < 2 * count; i++) {
        int closed = vdisk_close(pairs[i / 2].disks[i % 2], r == 0 ? &err : NULL); /* flushes what was written */
        r = r == 0 ? closed : r;
    }
    if (r < 0) /* Requests that are refused, as by a target that is too short, have an error number only. */
        fprintf(stderr, "epoll-disks: %s\n", err.code < 0 ? err.message : strerror(-r));
    return r < 0;
}
