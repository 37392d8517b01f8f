/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests through a libvdisk queue, bounced, as a hypervisor would make them: poll, reap, submit. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

#include "bench.h"

#define BATCH 64

struct state {
    const struct bench_job *job;
    struct vdisk *disk;
    struct vdisk_queue *queue;
    void **buffers;
};

static void *open_disk(const struct bench_job *job)
{
    struct state *state = calloc(1, sizeof *state);
    struct vdisk_open_options options;
    struct vdisk_queue_options queue_options;
    struct vdisk_error err;
    struct vdisk_uri *uri;

    if (!state)
        bench_fail("calloc", "out of memory");
    state->job = job;
    vdisk_open_options_init(&options, sizeof options);
    options.conf = job->conf;
    vdisk_queue_options_init(&queue_options, sizeof queue_options);
    queue_options.depth = job->depth;
    if (vdisk_uri_new(&uri, job->pool, NULL, job->image, NULL, &err) < 0 ||
        vdisk_open(&state->disk, uri, &options, &err) < 0 ||
        vdisk_queue_create(&state->queue, &queue_options, &err) < 0)
        bench_fail("libvdisk", err.message);
    vdisk_uri_free(uri);
    state->buffers = calloc(job->depth, sizeof *state->buffers);
    for (unsigned int i = 0; state->buffers && i < job->depth; i++)
        state->buffers[i] = bench_buffer(job->block_size);
    return state;
}

static uint64_t disk_size(void *arg)
{
    struct state *state = arg;

    return vdisk_get_size(state->disk);
}

static void start_read(void *arg, unsigned int slot, uint64_t offset)
{
    struct state *state = arg;
    struct iovec iov = {.iov_base = state->buffers[slot], .iov_len = state->job->block_size};
    int r = vdisk_aio_readv(state->queue, state->disk, &iov, 1, offset, 0, &state->buffers[slot]);

    if (r < 0)
        bench_fail("vdisk_aio_readv", strerror(-r));
}

static unsigned int wait_some(void *arg, unsigned int *slots, unsigned int max)
{
    struct state *state = arg;
    struct vdisk_completion completions[BATCH];
    struct pollfd ready = {.fd = vdisk_queue_get_fd(state->queue), .events = POLLIN};
    int n = 0;

    while (n == 0) {
        poll(&ready, 1, -1);
        n = vdisk_queue_reap(state->queue, completions, max < BATCH ? max : BATCH);
    }
    for (int i = 0; i < n; i++) {
        if (completions[i].result < 0)
            bench_fail("read", strerror(-completions[i].result));
        slots[i] = (unsigned int)((void **)completions[i].user_data - state->buffers);
    }
    return (unsigned int)n;
}

static void close_disk(void *arg)
{
    struct state *state = arg;
    struct vdisk_error err;

    if (vdisk_queue_destroy(state->queue) < 0 || vdisk_close(state->disk, &err) < 0)
        bench_fail("closing", "failed");
    for (unsigned int i = 0; i < state->job->depth; i++)
        free(state->buffers[i]);
    free(state->buffers);
    free(state);
}

const struct bench_engine bench_vdisk = {"vdisk", open_disk, disk_size, start_read, wait_some, close_disk};
