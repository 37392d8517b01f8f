/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The yardstick: librbd without anything between. Its callback hands the request to the main thread, which resubmits
 * it.
 */
#include <pthread.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct request {
    struct state *state;
    unsigned int slot;
    void *buffer;
    struct request *next;
    ssize_t result;
};

struct state {
    const struct bench_job *job;
    rados_t cluster;
    rados_ioctx_t pool;
    rbd_image_t image;
    struct request *requests;
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct request *done;
};

static void check(const char *what, int r)
{
    if (r < 0)
        bench_fail(what, strerror(-r));
}

static void *open_image(const struct bench_job *job)
{
    struct state *state = calloc(1, sizeof *state);

    if (!state)
        bench_fail("calloc", "out of memory");
    state->job = job;
    pthread_mutex_init(&state->lock, NULL);
    pthread_cond_init(&state->some, NULL);
    check("rados_create", rados_create(&state->cluster, "admin"));
    check("rados_conf_read_file", rados_conf_read_file(state->cluster, job->conf));
    check("rados_connect", rados_connect(state->cluster));
    check("rados_ioctx_create", rados_ioctx_create(state->cluster, job->pool, &state->pool));
    check("rbd_open", rbd_open(state->pool, job->image, &state->image, NULL));
    state->requests = calloc(job->depth, sizeof *state->requests);
    for (unsigned int i = 0; state->requests && i < job->depth; i++)
        state->requests[i] = (struct request){.state = state, .slot = i, .buffer = bench_buffer(job->block_size)};
    return state;
}

static uint64_t image_size(void *arg)
{
    struct state *state = arg;
    uint64_t size = 0;

    check("rbd_get_size", rbd_get_size(state->image, &size));
    return size;
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct request *request = arg;
    struct state *state = request->state;

    request->result = rbd_aio_get_return_value(completion);
    rbd_aio_release(completion);
    pthread_mutex_lock(&state->lock);
    request->next = state->done;
    state->done = request;
    pthread_cond_signal(&state->some);
    pthread_mutex_unlock(&state->lock);
}

static void start_read(void *arg, unsigned int slot, uint64_t offset)
{
    struct state *state = arg;
    struct request *request = &state->requests[slot];
    rbd_completion_t completion;

    check("rbd_aio_create_completion", rbd_aio_create_completion(request, completed, &completion));
    check("rbd_aio_read", rbd_aio_read(state->image, offset, state->job->block_size, request->buffer, completion));
}

static unsigned int wait_some(void *arg, unsigned int *slots, unsigned int max)
{
    struct state *state = arg;
    unsigned int n = 0;

    pthread_mutex_lock(&state->lock);
    while (!state->done)
        pthread_cond_wait(&state->some, &state->lock);
    for (; state->done && n < max; state->done = state->done->next) {
        if (state->done->result < 0)
            bench_fail("read", strerror(-(int)state->done->result));
        slots[n++] = state->done->slot;
    }
    pthread_mutex_unlock(&state->lock);
    return n;
}

static void close_image(void *arg)
{
    struct state *state = arg;

    check("rbd_close", rbd_close(state->image));
    rados_ioctx_destroy(state->pool);
    rados_shutdown(state->cluster);
    for (unsigned int i = 0; i < state->job->depth; i++)
        free(state->requests[i].buffer);
    free(state->requests);
    free(state);
}

const struct bench_engine bench_librbd = {"librbd", open_image, image_size, start_read, wait_some, close_image};
