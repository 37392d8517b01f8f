/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queues.h"

#include "disks.h"
#include "undo.h"
#include "waiting.h"

struct vdisk_queue *new_queue(unsigned int depth)
{
    struct vdisk_queue_options options;
    struct vdisk_queue *queue;
    struct vdisk_error err;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = depth;
    assert_done(vdisk_queue_create(&queue, &options, &err), &err);
    return queue;
}

struct vdisk_completion wait_one(struct vdisk_queue *queue)
{
    struct vdisk_completion completion;

    assert_int_equal(vdisk_queue_wait(queue, &completion, 1, 1, PATIENCE_MS), 1);
    return completion;
}

void reap_all(struct vdisk_queue *queue)
{
    while (vdisk_queue_in_flight(queue) > 0)
        assert_int_equal(wait_one(queue).result, 0);
}
