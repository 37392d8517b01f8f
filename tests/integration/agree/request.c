/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that are waited for. */
#include "agree.h"

static void completed(rbd_completion_t completion, void *arg)
{
    struct request *request = arg;

    request->result = rbd_aio_get_return_value(completion);
    request->calls++;
    request->inline_call = pthread_equal(pthread_self(), request->submitter);
    rbd_aio_release(completion);
    sem_post(&request->done);
}

rbd_completion_t new_completion(struct request *request)
{
    rbd_completion_t completion;

    *request = (struct request){.submitter = pthread_self()};
    sem_init(&request->done, 0, 0);
    assert_int_equal(rbd_aio_create_completion(request, completed, &completion), 0);
    return completion;
}

ssize_t wait_for(struct request *request)
{
    while (sem_wait(&request->done) < 0)
        continue;
    assert_int_equal(request->calls, 1);
    assert_false(request->inline_call);
    sem_destroy(&request->done);
    return request->result;
}

ssize_t do_read(rbd_image_t from, uint64_t offset, void *buffer, size_t length)
{
    struct request request;

    assert_int_equal(rbd_aio_read(from, offset, length, buffer, new_completion(&request)), 0);
    return wait_for(&request);
}

ssize_t do_write(rbd_image_t to, uint64_t offset, const void *buffer, size_t length)
{
    struct request request;

    assert_int_equal(rbd_aio_write(to, offset, length, buffer, new_completion(&request)), 0);
    return wait_for(&request);
}

ssize_t do_readv(rbd_image_t from, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct request request;

    assert_int_equal(rbd_aio_readv(from, iov, iovcnt, offset, new_completion(&request)), 0);
    return wait_for(&request);
}

ssize_t do_writev(rbd_image_t to, uint64_t offset, const struct iovec *iov, int iovcnt)
{
    struct request request;

    assert_int_equal(rbd_aio_writev(to, iov, iovcnt, offset, new_completion(&request)), 0);
    return wait_for(&request);
}

ssize_t do_flush(rbd_image_t of)
{
    struct request request;

    assert_int_equal(rbd_aio_flush(of, new_completion(&request)), 0);
    return wait_for(&request);
}
