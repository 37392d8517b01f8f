/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of an open disk. To read one, open it by its name: rbd:pool/image@snapshot with VDISK_OPEN_READ_ONLY.
 *
 * All of these block until the cluster has answered; any thread may make them. `flags` must be 0 in this version.
 * Errors of all of them:
 *
 * -EINVAL     a pointer is NULL, the name is empty, or a flag is set
 * -EROFS      a change through a read-only disk
 * -ENOENT     no such snapshot
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 * and whatever else librbd reports
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
 * Creates a snapshot. It holds every write that completed before the call; of those in flight it may hold any.
 *
 * -EEXIST  there is such a snapshot already
 */
int vdisk_snapshot_create(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Removes a snapshot.
 *
 * -EBUSY  it is protected, or clones depend on it
 */
int vdisk_snapshot_remove(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Sets the image's contents and size back to those of the snapshot; everything written since is lost. There must be
 * no write in flight. It copies data, so it can take long.
 */
int vdisk_snapshot_rollback(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Protects a snapshot from removal; clones need that.
 *
 * -EBUSY  it is protected already
 */
int vdisk_snapshot_protect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * Lets a protected snapshot be removed again.
 *
 * -EINVAL  it is not protected
 * -EBUSY   clones depend on it
 */
int vdisk_snapshot_unprotect(struct vdisk *disk, const char *name, uint32_t flags, struct vdisk_error *err);

/*
 * The same on a queue: never block; 0: accepted, the result comes with the completion, its sentence with
 * vdisk_queue_error, and the name is copied. Those of one disk are done in their order. `flags` must be 0; rollback and
 * remove also take VDISK_AIO_PROGRESS, though of a removal librbd 16.2.15 tells nothing before its end.
 *
 * -EAGAIN  the queue is full, or no thread can be started
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

struct vdisk_snapshot {
    uint64_t id;
    /* The image's size when the snapshot was taken. */
    uint64_t size;
    const char *name;
    /* 1 or 0. */
    uint32_t is_protected;
    uint32_t reserved_1;
    /* Zero. */
    uint64_t reserved_2[4];
};

/*
 * Lists the snapshots that users made, in ascending order of id, that is of age. Those that Ceph keeps for itself (of
 * groups, mirroring and the trash) are left out: no call here can name them. The array and its strings are freed
 * with vdisk_snapshot_list_free. *snapshots is NULL when there are none.
 */
int vdisk_snapshot_list(struct vdisk_snapshot **snapshots, size_t *count, struct vdisk *disk, struct vdisk_error *err);

/*
 * The same on a queue. *snapshots and *count are set at once, and again when the completion is reaped; until then they
 * must stay in place. `flags` must be 0.
 *
 * -EAGAIN  the queue is full, or no thread can be started
 */
int vdisk_aio_snapshot_list(struct vdisk_queue *queue, struct vdisk_snapshot **snapshots, size_t *count,
                            struct vdisk *disk, uint32_t flags, void *user_data, struct vdisk_error *err);

void vdisk_snapshot_list_free(struct vdisk_snapshot *snapshots);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
