/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the fake share: an open image, and requests whose completion can be waited for.
 */
#ifndef FAKE_HELPERS_H
#define FAKE_HELPERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define IMAGE_SIZE (UINT64_C(1) << 20)

struct opened {
    rados_t cluster;
    rados_ioctx_t pool;
    rbd_image_t image;
};

static inline void connect_to(struct opened *opened, const char *pool)
{
    assert_int_equal(rados_create(&opened->cluster, "me"), 0);
    assert_int_equal(rados_connect(opened->cluster), 0);
    assert_int_equal(rados_ioctx_create(opened->cluster, pool, &opened->pool), 0);
}

static inline void disconnect(struct opened *opened)
{
    rados_ioctx_destroy(opened->pool);
    rados_shutdown(opened->cluster);
}

/* A cluster with the image "p/i", zeroes all over, opened for writing. */
static inline int set_up_image(void **state)
{
    struct opened *opened = malloc(sizeof *opened);

    assert_non_null(opened);
    fake_reset();
    fake_create_pool("p");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    connect_to(opened, "p");
    assert_int_equal(rbd_open(opened->pool, "i", &opened->image, NULL), 0);
    *state = opened;
    return 0;
}

static inline int tear_down_image(void **state)
{
    struct opened *opened = *state;

    assert_int_equal(rbd_close(opened->image), 0);
    disconnect(opened);
    free(opened);
    fake_reset();
    return 0;
}

/* Of what cannot fail. cmocka's asserts belong on the main thread, and these helpers to all. */
static inline void must_be_0(int result)
{
    if (result != 0)
        abort();
}

/* One request. Its callback releases the completion and notes what it saw. */
struct request {
    sem_t done;
    ssize_t result;
    pthread_t thread;
    bool in_callback;
    /* 1 for the request whose callback was called first since reset_order. */
    int place;
};

static int last_place;

static inline void reset_order(void)
{
    __atomic_store_n(&last_place, 0, __ATOMIC_RELAXED);
}

static inline void request_completed(rbd_completion_t completion, void *arg)
{
    struct request *request = arg;

    request->result = rbd_aio_get_return_value(completion);
    request->thread = pthread_self();
    request->in_callback = fake_in_callback();
    request->place = __atomic_add_fetch(&last_place, 1, __ATOMIC_RELAXED);
    rbd_aio_release(completion);
    sem_post(&request->done);
}

static inline rbd_completion_t new_completion(struct request *request)
{
    rbd_completion_t completion;

    memset(request, 0, sizeof *request);
    sem_init(&request->done, 0, 0);
    must_be_0(rbd_aio_create_completion(request, request_completed, &completion));
    return completion;
}

static inline bool is_done(struct request *request)
{
    int posted;

    sem_getvalue(&request->done, &posted);
    return posted > 0;
}

static inline ssize_t result_of(struct request *request)
{
    while (sem_wait(&request->done) < 0)
        continue;
    return request->result;
}

static inline void start_read(struct request *request, rbd_image_t image, uint64_t offset, void *buffer, size_t length)
{
    must_be_0(rbd_aio_read(image, offset, length, buffer, new_completion(request)));
}

static inline void start_write(struct request *request, rbd_image_t image, uint64_t offset, const void *buffer,
                               size_t length)
{
    must_be_0(rbd_aio_write(image, offset, length, buffer, new_completion(request)));
}

static inline void start_flush(struct request *request, rbd_image_t image)
{
    must_be_0(rbd_aio_flush(image, new_completion(request)));
}

static inline ssize_t do_read(rbd_image_t image, uint64_t offset, void *buffer, size_t length)
{
    struct request request;

    start_read(&request, image, offset, buffer, length);
    return result_of(&request);
}

static inline ssize_t do_write(rbd_image_t image, uint64_t offset, const void *buffer, size_t length)
{
    struct request request;

    start_write(&request, image, offset, buffer, length);
    return result_of(&request);
}

static inline ssize_t do_flush(rbd_image_t image)
{
    struct request request;

    start_flush(&request, image);
    return result_of(&request);
}

/* A watch that counts. */
static inline void count_event(void *count)
{
    sem_post(count);
}

#endif
