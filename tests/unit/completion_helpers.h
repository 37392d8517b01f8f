/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a queue has to give: its next completion, and whether its descriptor announces one. */
#ifndef COMPLETION_HELPERS_H
#define COMPLETION_HELPERS_H

#include "disk_fixture.h"

#include <poll.h>

/* Waits for the next completion, and fails the test when none comes within half a minute. */
static inline struct vdisk_completion next_of(struct vdisk_queue *queue)
{
    struct vdisk_completion done;

    assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, 30000), 1);
    return done;
}

static inline bool fd_is_readable(struct vdisk_queue *queue)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};

    return poll(&ready, 1, 0) == 1;
}

#endif
