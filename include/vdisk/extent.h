/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which parts of a disk hold data, and which have changed since a snapshot.
 *
 * The calls answer in pieces: they fill an array of the caller's and say where to go on, so that the memory is the
 * caller's to bound. All extents of a disk:
 *
 *   uint64_t size = vdisk_get_size(disk);
 *   for (uint64_t next = 0; next < size;) {
 *       struct vdisk_extent extents[128];
 *       size_t count = 128;
 *       int r = vdisk_extents(extents, &count, &next, disk, next, size - next, VDISK_EXTENTS_PARENT, &err);
 *       ...
 *   }
 *
 * What is told is that of the disk: of its snapshot if one is open, otherwise of the image as it is during the call,
 * with every write that completed before it. A write during the call may be missed.
 *
 * Both are fast, that is need not ask every object of the range, on an image with the features object-map and fast-diff
 * whose maps are valid (`rbd info` shows the flag "fast diff invalid" where they are not; `rbd object-map rebuild`
 * mends it), and are then rounded to whole objects of the image. Otherwise they ask every object, of which librbd has
 * ten at a time on the way (`rbd_concurrent_management_ops`), and are finer.
 *
 * Errors of all of them, on a queue as the completion's result:
 *
 * -EINVAL     a pointer is NULL, there is no room for an extent, a flag is unknown; or the range leaves the image
 * -ENOENT     the image is gone, or the disk's snapshot, whose objects would all look like holes; or there is no
 *             snapshot `from`
 * -ESHUTDOWN  the disk is closing, or the cluster has fenced this client
 * -EPERM      a forked child
 * -ENOMEM     out of memory
 * and whatever else librbd reports; of a disk with writes that are not yet flushed they are flushed first, and the
 * error of that is one for vdisk_acknowledge_loss too
 */
#ifndef VDISK_EXTENT_H
#define VDISK_EXTENT_H

#include <stddef.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vdisk_queue;

/* It may hold anything: to know, read it. */
#define VDISK_EXTENT_DATA (1u << 0)
/* It reads as zeroes. */
#define VDISK_EXTENT_ZERO (1u << 1)

/* A part of a disk, in bytes. */
struct vdisk_extent {
    uint64_t offset;
    uint64_t length;
    /* VDISK_EXTENT_... */
    uint32_t flags;
    /* Zero. */
    uint32_t reserved;
};

/* On a clone, count what is read from its parent, and its parent's, as the clone's own. */
#define VDISK_EXTENTS_PARENT (1u << 0)

/*
 * Fills `extents` with what the `length` bytes at `offset` are: in ascending order, without gaps from `offset` on, each
 * VDISK_EXTENT_DATA or VDISK_EXTENT_ZERO, and no two neighbours alike. Without VDISK_EXTENTS_PARENT there are on a
 * clone, up to the end of its parent, extents with neither flag instead of zeroes: where the clone has no data of its
 * own, and what is read comes from the parent. It may also read as zeroes that hide the parent's data: librbd does not
 * tell of an object without data unless the fast-diff map is valid. So read such an extent from the clone.
 *
 * *count says how many extents there is room for, and is set to how many there are. *next is set to where the last
 * ends, which is the end of the range unless the room was too small. On failure *count is 0 and *next is `offset`.
 * A length of 0 gives no extents. Blocks. Any thread. Flags: VDISK_EXTENTS_PARENT.
 */
int vdisk_extents(struct vdisk_extent *extents, size_t *count, uint64_t *next, struct vdisk *disk, uint64_t offset,
                  uint64_t length, uint32_t flags, struct vdisk_error *err);

/*
 * Fills `changes` with those parts of the `length` bytes at `offset` that may differ from the image's snapshot `from`:
 * in ascending order, each VDISK_EXTENT_DATA or, where the data of the snapshot is gone, VDISK_EXTENT_ZERO. What is
 * left out has not changed. Where the snapshot ended before, it counts as zeroes; what the image lost by being made
 * smaller since is not told. NULL: what differs from zeroes, with VDISK_EXTENTS_PARENT, which means nothing otherwise,
 * from the image as it was created; then there are no extents that are VDISK_EXTENT_ZERO.
 *
 * *count and *next as by vdisk_extents, but *next can lie beyond the end of the last extent. Blocks. Any thread. Flags:
 * VDISK_EXTENTS_PARENT.
 *
 * -EINVAL  `from` is newer than the disk's own snapshot
 */
int vdisk_diff(struct vdisk_extent *changes, size_t *count, uint64_t *next, struct vdisk *disk, const char *from,
               uint64_t offset, uint64_t length, uint32_t flags, struct vdisk_error *err);

/*
 * The same on a queue: never block; 0: accepted. *count is read, and set to 0, at once, and *next set to `offset`. All
 * that is pointed to, but `from`, which is copied, is lent until the completion is reaped, and filled in by that. They
 * may be cancelled while they run.
 *
 * -EAGAIN  the queue is full, or no thread can be started
 */
int vdisk_aio_extents(struct vdisk_queue *queue, struct vdisk_extent *extents, size_t *count, uint64_t *next,
                      struct vdisk *disk, uint64_t offset, uint64_t length, uint32_t flags, void *user_data,
                      struct vdisk_error *err);
int vdisk_aio_diff(struct vdisk_queue *queue, struct vdisk_extent *changes, size_t *count, uint64_t *next,
                   struct vdisk *disk, const char *from, uint64_t offset, uint64_t length, uint32_t flags,
                   void *user_data, struct vdisk_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
