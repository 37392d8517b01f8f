/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the requests of librbd, rbd_aio_...: checks them, copies what the real ones copy, and submits them. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "fake_internal.h"

/* Holds a request as its caller describes it. */
struct request {
    enum fake_function function;
    enum fake_kind kind;
    rbd_image_t image;
    rbd_completion_t completion;
    uint64_t offset;
    /* If this is NULL, `flat` is the only buffer. */
    const struct iovec *iov;
    int iovcnt;
    struct iovec flat;
    const char *compare;
    uint64_t *mismatch;
    bool thick;
};

/* These requests have a range and no buffers. */
#define FAKE_RANGE (FAKE_DISCARD | FAKE_ZEROES)

static size_t sum_lengths(const struct iovec *iov, int iovcnt)
{
    size_t sum = 0;

    for (int i = 0; i < iovcnt; i++) {
        if (iov[i].iov_len > INT_MAX - sum)
            fake_abort("a request of 2 GiB or more");
        if (!iov[i].iov_base && iov[i].iov_len > 0)
            fake_abort("a buffer of %zu bytes that is NULL", iov[i].iov_len);
        sum += iov[i].iov_len;
    }
    return sum;
}

static void set_buffers(struct fake_op *op, const struct request *request)
{
    op->one = request->flat;
    op->iov = request->iov ? request->iov : &op->one;
    op->iovcnt = request->iovcnt;
    op->length = sum_lengths(op->iov, op->iovcnt);
    if (op->kind == FAKE_READ && op->iovcnt == 1 && !op->iov[0].iov_base)
        fake_abort("a read of length 0 into NULL, which crashes");
}

static void copy_data(struct fake_op *op)
{
    char *to = op->copied_data = fake_alloc(op->length);

    for (int i = 0; i < op->iovcnt; i++) {
        if (op->iov[i].iov_len > 0)
            memcpy(to, op->iov[i].iov_base, op->iov[i].iov_len);
        to += op->iov[i].iov_len;
    }
}

/* The data stays where it is. The array is copied, because a write never keeps the caller's. */
static void copy_array(struct fake_op *op)
{
    size_t size = (size_t)op->iovcnt * sizeof *op->iov;

    op->copied_iov = fake_alloc(size);
    memcpy(op->copied_iov, op->iov, size);
    op->iov = op->copied_iov;
}

static void set_compare(struct fake_op *op, const struct request *request)
{
    if (op->length == 0)
        fake_abort("a compare-and-write of length 0, which is undefined");
    op->mismatch = request->mismatch;
    op->copied_compare = fake_alloc(op->length);
    memcpy(op->copied_compare, request->compare, op->length);
}

static struct fake_op *new_op(const struct request *request, struct fake_handle *handle)
{
    struct fake_op *op = fake_alloc(sizeof *op);

    op->kind = request->kind;
    op->handle = handle;
    op->offset = request->offset;
    op->thick = request->thick;
    if (op->kind & FAKE_RANGE)
        op->length = request->flat.iov_len;
    if (op->kind & (FAKE_FLUSH | FAKE_RANGE))
        return op;
    set_buffers(op, request);
    if (op->kind == FAKE_COMPARE)
        set_compare(op, request);
    if (op->kind == FAKE_COMPARE || (op->kind == FAKE_WRITE && handle->copies_writes))
        copy_data(op);
    else if (op->kind == FAKE_WRITE)
        copy_array(op);
    return op;
}

static int submit(const struct request *request)
{
    int at_completion, r = fake_enter_aio(request->function, &at_completion);
    struct fake_handle *handle = fake_object_get(FAKE_HANDLE, request->image);
    struct fake_completion *completion = fake_completion_get(request->completion);
    struct fake_op *op;

    if (r == 0 && !(request->kind & (FAKE_FLUSH | FAKE_RANGE)) && request->iovcnt <= 0)
        r = -EINVAL;
    if (r < 0)
        return fake_leave(r);
    op = new_op(request, handle);
    op->completion = completion;
    op->error = at_completion;
    fake_completion_submitted(completion);
    fake_engine_submit(op);
    return fake_leave(0);
}

int rbd_aio_read(rbd_image_t image, uint64_t offset, size_t length, char *buffer, rbd_completion_t completion)
{
    return submit(&(struct request){.function = FN_rbd_aio_read,
                                    .kind = FAKE_READ,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iovcnt = 1,
                                    .flat = {.iov_base = buffer, .iov_len = length}});
}

int rbd_aio_readv(rbd_image_t image, const struct iovec *iov, int iovcnt, uint64_t offset, rbd_completion_t completion)
{
    return submit(&(struct request){.function = FN_rbd_aio_readv,
                                    .kind = FAKE_READ,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iov = iov,
                                    .iovcnt = iovcnt});
}

int rbd_aio_write(rbd_image_t image, uint64_t offset, size_t length, const char *buffer, rbd_completion_t completion)
{
    /* struct iovec has no const, but a write only reads. */
    void *data = (void *)(uintptr_t)buffer;

    return submit(&(struct request){.function = FN_rbd_aio_write,
                                    .kind = FAKE_WRITE,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iovcnt = 1,
                                    .flat = {.iov_base = data, .iov_len = length}});
}

int rbd_aio_writev(rbd_image_t image, const struct iovec *iov, int iovcnt, uint64_t offset, rbd_completion_t completion)
{
    return submit(&(struct request){.function = FN_rbd_aio_writev,
                                    .kind = FAKE_WRITE,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iov = iov,
                                    .iovcnt = iovcnt});
}

int rbd_aio_write2(rbd_image_t image, uint64_t offset, size_t length, const char *buffer, rbd_completion_t completion,
                   int op_flags)
{
    void *data = (void *)(uintptr_t)buffer;

    if (op_flags & ~LIBRADOS_OP_FLAG_FADVISE_FUA)
        fake_abort("rbd_aio_write2: the flags 0x%x are not known here", (unsigned int)op_flags);
    return submit(&(struct request){.function = FN_rbd_aio_write2,
                                    .kind = FAKE_WRITE,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iovcnt = 1,
                                    .flat = {.iov_base = data, .iov_len = length}});
}

int rbd_aio_discard(rbd_image_t image, uint64_t offset, uint64_t length, rbd_completion_t completion)
{
    return submit(&(struct request){.function = FN_rbd_aio_discard,
                                    .kind = FAKE_DISCARD,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .flat = {.iov_len = length}});
}

int rbd_aio_write_zeroes(rbd_image_t image, uint64_t offset, size_t length, rbd_completion_t completion, int zero_flags,
                         int op_flags)
{
    if (zero_flags & ~RBD_WRITE_ZEROES_FLAG_THICK_PROVISION || op_flags)
        fake_abort("rbd_aio_write_zeroes: the flags 0x%x and 0x%x are not known here", (unsigned int)zero_flags,
                   (unsigned int)op_flags);
    return submit(&(struct request){.function = FN_rbd_aio_write_zeroes,
                                    .kind = FAKE_ZEROES,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .flat = {.iov_len = length},
                                    .thick = zero_flags});
}

ssize_t rbd_aio_compare_and_write(rbd_image_t image, uint64_t offset, size_t length, const char *compare,
                                  const char *buffer, rbd_completion_t completion, uint64_t *mismatch, int op_flags)
{
    void *data = (void *)(uintptr_t)buffer;

    if (op_flags)
        fake_abort("rbd_aio_compare_and_write: the flags 0x%x are not known here", (unsigned int)op_flags);
    return submit(&(struct request){.function = FN_rbd_aio_compare_and_write,
                                    .kind = FAKE_COMPARE,
                                    .image = image,
                                    .completion = completion,
                                    .offset = offset,
                                    .iovcnt = 1,
                                    .flat = {.iov_base = data, .iov_len = length},
                                    .compare = compare,
                                    .mismatch = mismatch});
}

int rbd_aio_flush(rbd_image_t image, rbd_completion_t completion)
{
    return submit(
        &(struct request){.function = FN_rbd_aio_flush, .kind = FAKE_FLUSH, .image = image, .completion = completion});
}
