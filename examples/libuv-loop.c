/* SPDX-License-Identifier: MIT */
/*
 * Overwrites a disk with zeroes in a loop of libuv. The queue opens and closes the disk, too, so the loop never blocks:
 *
 *   libuv-loop rbd:rbd/disk
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include <vdisk/vdisk.h>

#define PIECE (UINT64_C(16) << 20)

struct work {
    struct vdisk_queue *queue;
    struct vdisk *disk; /* NULL until it is open, and once it is being closed */
    uint64_t offset;
    int result; /* the first error */
    struct vdisk_error err;
};

/* Called when nothing is in flight: submits the next piece or, when there is none, the closing of the disk. */
static void go_on(struct work *work)
{
    uint64_t left = vdisk_get_size(work->disk) - work->offset;
    uint64_t length = left < PIECE ? left : PIECE;
    if (work->result == 0 && length > 0)
        work->result = vdisk_aio_write_zeroes(work->queue, work->disk, length, work->offset, 0, NULL);
    work->offset += length;
    if (work->result == 0 && length > 0)
        return;
    /* Closing flushes: only its 0 says that the zeroes are on the cluster. */
    int r = vdisk_aio_close(work->queue, work->disk, -1, 0, NULL, work->result == 0 ? &work->err : NULL);
    work->disk = r == 0 ? NULL : work->disk;
    work->result = work->result == 0 ? r : work->result;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct work *work = poll->data;
    struct vdisk_completion done;
    (void)status, (void)events; /* Reaping is right whatever they say. */
    if (vdisk_queue_reap(work->queue, &done, 1) == 1 && done.result < 0 && work->result == 0)
        work->result = vdisk_queue_error(work->queue, &done, &work->err);
    if (vdisk_queue_in_flight(work->queue) == 0 && work->disk)
        go_on(work);
    if (vdisk_queue_in_flight(work->queue) == 0)
        uv_close((uv_handle_t *)poll, NULL); /* This ends the loop, which has nothing else to wait for. */
}

int main(int argc, char **argv)
{
    struct work work = {.err = {-EINVAL, "Usage: libuv-loop URI."}};
    struct vdisk_open_options options;
    struct vdisk_uri *uri = NULL;
    uv_poll_t poll = {.data = &work};
    uv_loop_t *loop = uv_default_loop();
    vdisk_open_options_init(&options, sizeof options);
    options.flags = VDISK_OPEN_EXCLUSIVE; /* Nobody else may be using the disk. */
    int r = argc == 2 ? vdisk_uri_parse(&uri, argv[1], &work.err) : -EINVAL;
    r = r == 0 ? vdisk_queue_create(&work.queue, NULL, &work.err) : r;
    r = r == 0 ? uv_poll_init(loop, &poll, vdisk_queue_get_fd(work.queue)) : r;
    r = r == 0 ? uv_poll_start(&poll, UV_READABLE, on_readable) : r;
    r = r == 0 ? vdisk_aio_open(work.queue, &work.disk, uri, &options, 0, NULL, &work.err) : r;
    if (r == 0) {
        uv_run(loop, UV_RUN_DEFAULT);
        r = work.result;
    }
    vdisk_uri_free(uri);
    if (work.disk)
        vdisk_close(work.disk, NULL); /* The closing was refused. */
    vdisk_queue_destroy(work.queue);
    uv_loop_close(loop);
    if (r < 0)
        fprintf(stderr, "libuv-loop: %s\n", work.err.code < 0 ? work.err.message : strerror(-r));
    return r < 0;
}
