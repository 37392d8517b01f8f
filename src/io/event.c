/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <vdisk/event.h>

#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "disk/check.h"
#include "disk/disk.h"
#include "disk/refresh.h"
#include "disk/subscriber.h"
#include "io/queue.h"

/* The caller has a reference of the disk (vd_disk_get). */
static int subscribe(struct vdisk_queue *queue, struct vdisk *disk, void *user_data, struct vdisk_error *err)
{
    struct vd_subscriber *subscriber = vd_subscriber_new(&queue->mailbox, user_data);

    if (!subscriber)
        return vd_error_set(err, -ENOMEM, "Out of memory for a watch.");
    if (!vd_subscriber_begin(subscriber, &disk->refresh.subscribers)) {
        free(subscriber);
        return vd_disk_refusal(disk, err);
    }
    vd_queue_add_subscriber(queue, subscriber);
    vd_refresh_subscribed(disk, subscriber);
    return 0;
}

int vdisk_aio_watch(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                    struct vdisk_error *err)
{
    int r;

    vd_error_clear(err);
    r = vd_check_disk(disk, err);
    if (r == 0)
        r = vd_check_flags(flags, 0, err);
    if (r < 0)
        return r;
    if (!queue)
        return vd_error_set(err, -EINVAL, "The queue is NULL.");
    if (!vd_disk_get(disk))
        return vd_disk_refusal(disk, err);
    r = subscribe(queue, disk, user_data, err);
    vd_disk_put(disk);
    return r;
}
