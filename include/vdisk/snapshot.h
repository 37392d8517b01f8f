/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of the image of an open disk. To read a snapshot, open it by its name: rbd:pool/image@snapshot with
 * VDISK_OPEN_READ_ONLY.
 *
 * These calls block until the cluster has answered. Any thread may make them. `flags` must be 0 in this version.
 *
 * Errors of all these calls:
 *
 * -EINVAL      a pointer is NULL, the name is empty, or a flag is set
 * -EROFS       the call changes something and the disk is read-only
 * -ENOENT      there is no such snapshot; or, when listing, the image is gone
 * -ESHUTDOWN   the disk is closing, or the cluster has fenced this client
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 * (any other)  whatever else librbd reports
 */
#ifndef VDISK_SNAPSHOT_H
#define VDISK_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/queue.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Creates a snapshot. It contains every write that completed before the call. A write that is in flight during the call
 * may be contained or not.
 *
 * -EEXIST      a snapshot with this name exists already
 */
int vdisk_snapshot_create(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Removes a snapshot.
 *
 * -EBUSY       the snapshot is protected, or clones depend on it
 */
int vdisk_snapshot_remove(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Sets the image's contents and size back to those of the snapshot. Everything that was written since is lost. Stop
 * all writes to the disk before the call, and wait for them. The library does not check this, and what becomes of a
 * write in flight is undefined. The call copies data, so it can take long.
 */
int vdisk_snapshot_rollback(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Protects a snapshot from removal. Clones need that (vdisk_clone).
 *
 * -EBUSY       the snapshot is protected already
 */
int vdisk_snapshot_protect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Ends the protection of a snapshot, so that it can be removed.
 *
 * -EINVAL      the snapshot is not protected; or for a reason in the table above
 * -EBUSY       clones depend on the snapshot
 */
int vdisk_snapshot_unprotect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * The same calls on a queue. They never block. 0 means that the operation is accepted. Its result comes with the
 * completion, and the sentence for it with vdisk_queue_error. The name is copied. Operations on one disk are carried
 * out in their order.
 *
 * `flags` must be 0. Rollback and remove also take VDISK_AIO_PROGRESS; librbd 16.2.15 reports no progress of a removal
 * before its end.
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of the synchronous form that is known at once
 */
int vdisk_aio_snapshot_create(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                              void *user_data, struct vdisk_error *err);
int vdisk_aio_snapshot_remove(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                              void *user_data, struct vdisk_error *err);
int vdisk_aio_snapshot_rollback(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                                void *user_data, struct vdisk_error *err);
int vdisk_aio_snapshot_protect(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                               void *user_data, struct vdisk_error *err);
int vdisk_aio_snapshot_unprotect(struct vdisk_queue *queue, struct vdisk *disk, const char *name, uint32_t flags,
                                 void *user_data, struct vdisk_error *err);

/* One snapshot of a list. The name belongs to the list. */
struct vdisk_snapshot {
    uint64_t id;
    /* The image's size when the snapshot was taken. */
    uint64_t size;
    const char *name;
    /* 1 or 0. */
    uint32_t is_protected;
    /* This field and the next one are zero. */
    uint32_t reserved_1;
    uint64_t reserved_2[4];
};

/*
 * Lists the snapshots that users made, in ascending order of id, which is the order of their age. Snapshots that Ceph
 * keeps for itself (for groups, mirroring and the trash) are left out, because no call here can name them. Free the
 * array and its strings with vdisk_snapshot_list_free. *snapshots is NULL when there are no snapshots.
 */
int vdisk_snapshot_list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk, struct vdisk_error *err);

/*
 * vdisk_snapshot_list on a queue. Never blocks. 0 means that the operation is accepted. *snapshots and *count are set
 * at once, and again when the completion is reaped. Until then they must stay in place. `flags` must be 0.
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of the synchronous form that is known at once
 */
int vdisk_aio_snapshot_list(struct vdisk_queue *queue, struct vdisk_snapshot **snapshots, size_t *count,
                            struct vdisk *disk, uint32_t flags, void *user_data, struct vdisk_error *err);

/* Frees a list of vdisk_snapshot_list, with its strings. Never blocks. */
void vdisk_snapshot_list_free(struct vdisk_snapshot *snapshots);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
