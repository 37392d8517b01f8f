/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events: learn, through a queue, of changes to a disk, by this program or by somebody else.
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

/* The size has changed, whoever changed it. When the event is reaped, vdisk_get_size returns the new size. */
#define VDISK_EVENT_RESIZED (1u << 0)
/*
 * Snapshots were created, removed or renamed, by whomever. vdisk_snapshot_list says which snapshots there are. The list
 * can be the same as before, for example when Ceph made a snapshot of its own. Protecting a snapshot, or rolling back
 * to one, raises no such event.
 */
#define VDISK_EVENT_SNAPSHOTS (1u << 1)
/* The cluster has fenced this client: requests fail with -ESHUTDOWN until vdisk_reopen. */
#define VDISK_EVENT_FENCED (1u << 2)

/*
 * Watches a disk: each time something happens to it, the queue gets a completion. A disk can have any number of
 * watches, on one queue or several. Never blocks. The thread that owns the queue may call it. `flags` must be 0.
 *
 * The completion has `user_data`, a result of 0, and VDISK_COMPLETION_MORE in its flags. Its `value` holds the
 * VDISK_EVENT_... bits of what has happened since the last such completion. These completions do not pile up: while one
 * is not reaped, a further event only adds its bit to it.
 *
 * On a disk that was opened for writing, every change after this call is reported. A change between the opening of the
 * disk and this call may be reported. If the disk is already fenced, that is reported at once.
 *
 * A watch ends with one final completion, which has no VDISK_COMPLETION_MORE. Its `value` holds the events that were
 * not reported before. Its result is
 *
 * -ESHUTDOWN   the disk is closed
 * -ECANCELED   vdisk_queue_cancel has ended the watch
 *
 * A watch takes no room in the queue and does not count as in flight. vdisk_queue_drain does not wait for it. For
 * vdisk_queue_wait an event is a completion: with a timeout of -1 it waits for one even if nothing else is in flight.
 * vdisk_queue_destroy returns -EBUSY until the final completion is reaped.
 *
 * How soon events come: the cluster notifies a disk that was opened for writing. A read-only disk has no watch on the
 * image in the cluster, so it looks every vdisk_open_options.size_poll_ms milliseconds and reports what is different
 * then. A disk that is a snapshot does not look: only fencing raises an event there. A disk learns that its client is
 * fenced when it next asks the cluster for something.
 *
 * If the call itself fails, nothing is watched and no completion will come:
 *
 * -EINVAL      `queue` or `disk` is NULL, or a flag is set
 * -ESHUTDOWN   the disk is closing
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 */
int vdisk_aio_watch(struct vdisk_queue *queue, struct vdisk *disk, uint32_t flags, void *user_data,
                    struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
