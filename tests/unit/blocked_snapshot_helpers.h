/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control operation that librbd keeps waiting: the creation of a snapshot. While it is blocked, a test looks at the
 * queue, at the disk, and at what else is submitted.
 */
#ifndef BLOCKED_SNAPSHOT_HELPERS_H
#define BLOCKED_SNAPSHOT_HELPERS_H

#include "disk_fixture.h"

#include "fake.h"

static inline int create_snapshot(const struct fixture *fixture, const char *name, void *user_data)
{
    return vdisk_aio_snapshot_create(fixture->queue, fixture->disk, name, 0, user_data, NULL);
}

/* Submits the creation of a snapshot. Returns when a thread of the library is blocked inside librbd's call. */
static inline void start_blocked(const struct fixture *fixture, const char *name)
{
    fake_block_call("rbd_snap_create");
    assert_int_equal(create_snapshot(fixture, name, NULL), 0);
    assert_true(fake_wait_blocked("rbd_snap_create"));
}

/* Lets librbd's call go on, and does not wait for the completion. */
static inline void unblock(void)
{
    fake_unblock_call("rbd_snap_create");
}

#endif
