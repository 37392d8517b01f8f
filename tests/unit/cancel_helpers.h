/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of cancelling share: requests with a tag, and what a disk has left of those that were cancelled. */
#ifndef CANCEL_HELPERS_H
#define CANCEL_HELPERS_H

#include "completion_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

/* Tags. */
static char a, b;

static inline int read_as(void *tag, struct vdisk_queue *queue, struct vdisk *disk, void *buffer, uint64_t length,
                          uint64_t offset, uint32_t flags)
{
    struct iovec iov = {buffer, length};

    return vdisk_aio_readv(queue, disk, &iov, 1, offset, flags, tag);
}

static inline int write_as(void *tag, struct vdisk_queue *queue, struct vdisk *disk, const void *buffer,
                           uint64_t length, uint64_t offset, uint32_t flags)
{
    struct iovec iov = {(void *)(uintptr_t)buffer, length};

    return vdisk_aio_writev(queue, disk, &iov, 1, offset, flags, tag);
}

/* That the next completion is this one. */
static inline void expect(struct vdisk_queue *queue, const void *tag, int result)
{
    struct vdisk_completion done = next_of(queue);

    assert_ptr_equal(done.user_data, tag);
    assert_int_equal(done.result, result);
}

static inline void expect_nothing(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_int_equal(vdisk_queue_reap(queue, &done, 1), 0);
}

/* Gives up the one request with this tag, and takes its completion. */
static inline void cancel(struct vdisk_queue *queue, const void *tag)
{
    assert_int_equal(vdisk_queue_cancel(queue, tag), 1);
    expect(queue, tag, -ECANCELED);
}

static inline struct vdisk_info info_of(struct vdisk *disk)
{
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    return info;
}

static inline void expect_left(struct vdisk *disk, unsigned int detached, unsigned int barrier)
{
    struct vdisk_info info = info_of(disk);

    assert_int_equal(info.detached_requests, detached);
    assert_int_equal(info.indeterminate_writes, barrier);
}

static inline bool nothing_left(struct vdisk *disk)
{
    struct vdisk_info info = info_of(disk);

    return info.detached_requests == 0 && info.indeterminate_writes == 0;
}

/* What is on the image. */
static inline bool holds(uint64_t offset, size_t length, unsigned int seed)
{
    unsigned char *bytes = malloc(length);
    bool same;

    assert_non_null(bytes);
    fake_image_read("p", "", "i", NULL, offset, bytes, length);
    same = is_filled(bytes, length, seed);
    free(bytes);
    return same;
}

#endif
