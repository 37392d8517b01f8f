/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public calls on queues, and those that submit requests.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <vdisk/queue.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/structs.h"
#include "disk/check.h"
#include "io/cancel_tag.h"
#include "io/check_transfer.h"
#include "io/plug.h"
#include "io/queue.h"
#include "io/reap.h"
#include "io/submit.h"

#define DEFAULT_DEPTH 256
#define DEFAULT_BOUNCE_BYTES (UINT64_C(64) << 20)

/* The size of the structure in the first release. */
#define QUEUE_OPTIONS_FIRST (offsetof(struct vdisk_queue_options, bounce_bytes) + sizeof(uint64_t))

_Static_assert(sizeof(struct vdisk_completion) == 64, "the size of a completion is part of the interface");
_Static_assert(VDISK_MAX_REQUEST == UINT64_C(1) << VD_BOUNCE_MAX_SHIFT, "every request fits a bounce buffer");

void vdisk_queue_options_init(struct vdisk_queue_options *options, size_t struct_size)
{
    vd_struct_init(options, struct_size);
}

static int read_options(struct vdisk_queue_options *to, const struct vdisk_queue_options *from, struct vdisk_error *err)
{
    int r = vd_struct_read(to, sizeof *to, from, QUEUE_OPTIONS_FIRST, "vdisk_queue_options", err);

    if (r < 0)
        return r;
    if (to->reserved)
        return vd_error_set(err, -EINVAL, "vdisk_queue_options.reserved is not zero.");
    if (to->depth == 0)
        to->depth = DEFAULT_DEPTH;
    if (to->depth > VDISK_MAX_DEPTH)
        return vd_error_set(err, -EINVAL, "A queue depth of %u exceeds the maximum of %u.", to->depth, VDISK_MAX_DEPTH);
    if (to->bounce_bytes == 0)
        to->bounce_bytes = DEFAULT_BOUNCE_BYTES;
    if (to->bounce_bytes < VDISK_MAX_REQUEST)
        return vd_error_set(err, -EINVAL,
                            "vdisk_queue_options.bounce_bytes must be at least %u, which the longest request needs.",
                            VDISK_MAX_REQUEST);
    return 0;
}

int vdisk_queue_create(struct vdisk_queue **queue, const struct vdisk_queue_options *options, struct vdisk_error *err)
{
    struct vdisk_queue_options full;
    int r;

    vd_error_clear(err);
    if (!queue)
        return vd_error_set(err, -EINVAL, "There is nowhere to put the queue: the pointer is NULL.");
    *queue = NULL;
    r = vd_check_process(err);
    if (r == 0)
        r = read_options(&full, options, err);
    if (r != 0)
        return r;
    r = vd_queue_new(queue, full.depth, full.bounce_bytes, VD_DOORBELL_PIPE);
    if (r < 0)
        return vd_error_set(err, r, "Creating the queue failed: %s.", strerror(-r));
    return 0;
}

int vdisk_queue_destroy(struct vdisk_queue *queue)
{
    int r = vd_check_process(NULL);

    if (r < 0 || !queue)
        return r;
    if (queue->in_flight > 0 || queue->subscribers)
        return -EBUSY;
    vd_queue_free(queue);
    return 0;
}

int vdisk_queue_get_fd(const struct vdisk_queue *queue)
{
    return queue ? queue->mailbox.doorbell.read_fd : -EINVAL;
}

unsigned int vdisk_queue_in_flight(const struct vdisk_queue *queue)
{
    return queue ? queue->in_flight : 0;
}

int vdisk_queue_error(struct vdisk_queue *queue, const struct vdisk_completion *completion, struct vdisk_error *err)
{
    const struct vdisk_error *found;

    vd_error_clear(err);
    if (!queue || !completion)
        return vd_error_set(err, -EINVAL, "The %s is NULL.", queue ? "completion" : "queue");
    if (completion->result == 0)
        return 0;
    found = vd_queue_error(queue, completion);
    if (!found)
        return vd_error_set(err, completion->result, "The request failed: %s.", strerror(-completion->result));
    if (err)
        *err = *found;
    return completion->result;
}

static int check_reaping(const struct vdisk_queue *queue, const struct vdisk_completion *completions, unsigned int max)
{
    if (vd_process_forked())
        return -EPERM;
    return queue && (completions || max == 0) ? 0 : -EINVAL;
}

int vdisk_queue_reap(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max)
{
    int r = check_reaping(queue, completions, max);

    return r < 0 ? r : (int)vd_queue_wait(queue, completions, 0, max, VD_NEVER);
}

int vdisk_queue_wait(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int min,
                     unsigned int max, int timeout_ms)
{
    int r = check_reaping(queue, completions, max);

    if (r == 0 && (min > max || timeout_ms < -1))
        r = -EINVAL;
    if (r < 0)
        return r;
    /* Reads the clock only when the call may sleep. */
    return (int)vd_queue_wait(queue, completions, min, max, min > 0 ? vd_time_after_ms(timeout_ms) : VD_NEVER);
}

int vdisk_queue_cancel(struct vdisk_queue *queue, const void *user_data)
{
    int r = vd_check_process(NULL);

    if (r < 0)
        return r;
    return queue ? vd_queue_cancel(queue, user_data) : -EINVAL;
}

int vdisk_queue_drain(struct vdisk_queue *queue)
{
    int r = vd_check_process(NULL);

    if (r < 0)
        return r;
    if (!queue)
        return -EINVAL;
    vd_queue_drain(queue);
    return 0;
}

int vdisk_queue_plug(struct vdisk_queue *queue)
{
    int r = vd_check_process(NULL);

    if (r < 0)
        return r;
    if (!queue)
        return -EINVAL;
    queue->plugged++;
    return 0;
}

int vdisk_queue_unplug(struct vdisk_queue *queue)
{
    int r = vd_check_process(NULL);

    if (r < 0)
        return r;
    if (!queue || queue->plugged == 0)
        return -EINVAL;
    if (--queue->plugged == 0)
        vd_plug_send(queue);
    return 0;
}

/* `longest`: the most bytes that a request of this kind may have. */
static int submit(struct vdisk_queue *queue, struct vd_transfer *transfer, uint64_t longest, void *user_data)
{
    if (!queue || transfer->length > longest)
        return -EINVAL;
    return vd_queue_submit(queue, transfer, user_data);
}

static int submit_iov(struct vdisk_queue *queue, struct vdisk *disk, enum vd_request_kind kind, const struct iovec *iov,
                      int iovcnt, uint64_t offset, uint32_t flags, void *user_data)
{
    struct vd_transfer transfer = {
        .disk = disk, .kind = kind, .flags = flags, .iov = iov, .iovcnt = iovcnt, .offset = offset};
    int r = vd_check_transfer(&transfer, NULL);

    return r < 0 ? r : submit(queue, &transfer, VDISK_MAX_REQUEST, user_data);
}

static int submit_range(struct vdisk_queue *queue, struct vdisk *disk, enum vd_request_kind kind, uint64_t length,
                        uint64_t offset, uint64_t longest, uint32_t flags, void *user_data)
{
    struct vd_transfer transfer = {.disk = disk, .kind = kind, .flags = flags, .offset = offset, .length = length};
    int r = vd_check_range(&transfer, NULL);

    return r < 0 ? r : submit(queue, &transfer, longest, user_data);
}

int vdisk_aio_readv(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt, uint64_t offset,
                    uint32_t flags, void *user_data)
{
    return submit_iov(queue, disk, VD_REQUEST_READ, iov, iovcnt, offset, flags, user_data);
}

int vdisk_aio_writev(struct vdisk_queue *queue, struct vdisk *disk, const struct iovec *iov, int iovcnt,
                     uint64_t offset, uint32_t flags, void *user_data)
{
    return submit_iov(queue, disk, VD_REQUEST_WRITE, iov, iovcnt, offset, flags, user_data);
}

int vdisk_aio_discard(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags,
                      void *user_data)
{
    return submit_range(queue, disk, VD_REQUEST_DISCARD, length, offset, VDISK_MAX_DISCARD, flags, user_data);
}

int vdisk_aio_write_zeroes(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset,
                           uint32_t flags, void *user_data)
{
    return submit_range(queue, disk, VD_REQUEST_WRITE_ZEROES, length, offset, VDISK_MAX_WRITE_ZEROES, flags, user_data);
}

int vdisk_aio_compare_and_write(struct vdisk_queue *queue, struct vdisk *disk, const void *compare, const void *write,
                                uint64_t length, uint64_t offset, uint32_t flags, void *user_data)
{
    struct vd_transfer transfer = {.disk = disk,
                                   .kind = VD_REQUEST_COMPARE_AND_WRITE,
                                   .flags = flags,
                                   .compare = compare,
                                   .offset = offset,
                                   .length = length};
    struct iovec iov;
    int r = vd_check_compare_and_write(&transfer, &iov, write, NULL);

    return r < 0 ? r : submit(queue, &transfer, VDISK_MAX_REQUEST, user_data);
}

int vdisk_aio_flush(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data)
{
    return submit_range(queue, disk, VD_REQUEST_FLUSH, 0, 0, 0, flags, user_data);
}
