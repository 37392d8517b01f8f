/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of retries share: changes of one range, and writes that are cancelled, by us or by librbd. */
#ifndef RETRY_HELPERS_H
#define RETRY_HELPERS_H

#include "cancel_helpers.h"

/* Changes, each of a range that begins at 0, where the image holds zeroes. */

#define SECTOR 512
/* What a discard frees space in. */
#define GRANULE (64 * KIB)

static unsigned char zeroes[SECTOR], first_data[4096], retry_data[4096];

static inline int submit_change(enum fake_kind kind, void *tag, struct vdisk_queue *queue, struct vdisk *disk,
                                const unsigned char *data, const unsigned char *compare)
{
    switch (kind) {
    case FAKE_WRITE:
        return write_as(tag, queue, disk, data, 4096, 0, 0);
    case FAKE_DISCARD:
        return vdisk_aio_discard(queue, disk, GRANULE, 0, 0, tag);
    case FAKE_ZEROES:
        return vdisk_aio_write_zeroes(queue, disk, GRANULE, 0, 0, tag);
    case FAKE_COMPARE:
        return vdisk_aio_compare_and_write(queue, disk, compare, data, SECTOR, 0, 0, tag);
    default:
        fail();
        return 0;
    }
}

static inline int set_up(void **state)
{
    fill(first_data, sizeof first_data, 1);
    fill(retry_data, sizeof retry_data, 2);
    return set_up_disk(state);
}

/* Closing tells of writes that may still complete. */
static inline int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fake_release_all();
    if (fixture->disk)
        vdisk_close(fixture->disk, NULL);
    fixture->disk = NULL;
    return tear_down_disk(state);
}

/* A write to the first 4 KiB that is cancelled while librbd has it. */
static inline void cancel_write(const struct fixture *fixture)
{
    fake_hold(FAKE_IO);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, first_data, 4096, 0, 0), 0);
    cancel(fixture->queue, &a);
}

/* One that librbd cancels. */
static inline void time_write_out(const struct fixture *fixture)
{
    fake_next_result(FAKE_WRITE, -ETIMEDOUT);
    assert_int_equal(write_as(&a, fixture->queue, fixture->disk, first_data, 4096, 0, 0), 0);
    expect(fixture->queue, &a, -ETIMEDOUT);
}

#endif
