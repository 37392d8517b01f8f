/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hearing, through a queue, of what happens to a disk without being asked for: somebody resizes the image, say.
 */
#ifndef VDISK_EVENT_H
#define VDISK_EVENT_H

#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/queue.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The size is another one, whoever changed it. vdisk_get_size says the new one when the event is reaped. */
#define VDISK_EVENT_RESIZED (1u << 0)
/*
 * Snapshots were created, removed or renamed, whoever did it; vdisk_snapshot_list tells which there are. Can come
 * without a difference in that list: for a snapshot of Ceph's own, say. Protecting and rolling back are none.
 */
#define VDISK_EVENT_SNAPSHOTS (1u << 1)
/* The cluster has fenced this client: everything fails with -ESHUTDOWN until vdisk_reopen. */
#define VDISK_EVENT_FENCED (1u << 2)

/*
 * Watches a disk: whenever something happens to it, the queue has a completion with `user_data`, a result of 0,
 * VDISK_COMPLETION_MORE in its flags, and in its `value` the VDISK_EVENT_... of what happened since the last one. They
 * do not pile up: while one is not reaped, another event only adds to what it will say. What changes after this call is
 * told; what changed between the opening of the disk and the call can be told. A disk that is fenced already says so
 * at once.
 *
 * A watch stays until it ends, with a completion without VDISK_COMPLETION_MORE, whose `value` holds the events not told
 * before. Its result is
 *
 * -ESHUTDOWN  the disk is closed
 * -ECANCELED  vdisk_queue_cancel has ended it
 *
 * It takes no room in the queue, does not count as in flight, and vdisk_queue_drain does not wait for it.
 * vdisk_queue_wait does; and vdisk_queue_destroy is -EBUSY before the end is reaped. A disk can have any number of
 * watches, on one queue or several.
 *
 * How soon: a disk that can be written is told by the cluster. A read-only one has no watch on the image, and looks
 * every vdisk_open_options.size_poll_ms. That a client is fenced, it learns when it next asks the cluster for
 * something.
 *
 * `flags` must be 0. Never blocks. Otherwise nothing is watched, and there will be no completion:
 *
 * -EINVAL     an argument is NULL, or a flag is set
 * -ESHUTDOWN  the disk is closing
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 */
int vdisk_aio_watch(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                    struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
