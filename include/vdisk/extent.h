/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Extents: which parts of a disk hold data, and which parts have changed since a snapshot.
 *
 * The calls answer in pieces. They fill an array of the caller and say where to continue, so the caller decides how
 * much memory is used. This loop finds all extents of a disk:
 *
 *   uint64_t size = vdisk_get_size(disk);
 *   for (uint64_t next = 0; next < size;) {
 *       struct vdisk_extent extents[128];
 *       size_t count = 128;
 *       int r = vdisk_extents(extents, &count, &next, disk, next, size - next, VDISK_EXTENTS_PARENT, &err);
 *       ...
 *   }
 *
 * The answer is about what the disk shows. If the disk is a snapshot, that is the snapshot. Otherwise it is the image
 * during the call, with every write that completed before the call. A write during the call may be missed.
 *
 * Both kinds of calls are fast on an image that has the features object-map and fast-diff with valid maps. They then
 * need not ask every object of the range, and the extents are rounded to whole objects of the image. `rbd info` shows
 * the flag "fast diff invalid" for maps that are not valid; `rbd object-map rebuild` mends them.
 *
 * On other images the calls ask every object of the range, and the extents are finer. librbd then asks ten objects at a
 * time (`rbd_concurrent_management_ops`).
 *
 * If the disk has writes that are not flushed, a call flushes them first. A failure of that flush is the call's result.
 * It also sticks (vdisk_acknowledge_loss).
 *
 * Errors of all these calls. On a queue, an error that is not known at once is the completion's result.
 *
 * -EINVAL      a pointer is NULL, there is room for no extent, a flag is unknown, or the range is not inside the image
 * -ENOENT      the image is gone, or there is no snapshot `from`; or the disk's own snapshot is gone, so that all its
 *              objects would look like holes
 * -ESHUTDOWN   the disk is closing, or the cluster has fenced this client
 * -EPERM       called in a forked child
 * -ENOMEM      out of memory
 * (any other)  the error of the flush, and whatever else librbd reports
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

/* The extent may contain anything. To know what, read it. */
#define VDISK_EXTENT_DATA (1u << 0)
/* The extent reads as zeroes. */
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

/* On a clone, treat data that is read from its parent, or from a parent further up, as the clone's own data. */
#define VDISK_EXTENTS_PARENT (1u << 0)

/*
 * Fills `extents` with what the `length` bytes at `offset` are. Blocks. Any thread may call it. Flags:
 * VDISK_EXTENTS_PARENT.
 *
 * The extents are in ascending order, start at `offset` and leave no gaps. Each has exactly one of VDISK_EXTENT_DATA
 * and VDISK_EXTENT_ZERO, with one exception. No two neighbours have the same flags.
 *
 * The exception: without VDISK_EXTENTS_PARENT, in the part of a clone that its parent covers, an extent has
 * VDISK_EXTENT_DATA or neither flag. In an extent with neither flag the clone has no data of its own. What is read
 * there comes from the parent, or is zeroes that hide the parent's data: librbd does not report an object without data
 * unless the fast-diff map is valid. So read such an extent from the clone.
 *
 * On entry *count says how many extents there is room for. On return it says how many there are. *next is set to where
 * the last extent ends. That is the end of the range, unless there was too little room. On failure *count is 0 and
 * *next is `offset`. A length of 0 gives no extents.
 */
int vdisk_extents(struct vdisk_extent *extents, size_t *count, uint64_t *next, struct vdisk *disk, uint64_t offset,
                  uint64_t length, uint32_t flags, struct vdisk_error *err);

/*
 * Fills `changes` with the parts of the `length` bytes at `offset` that may differ from the image's snapshot `from`.
 * Blocks. Any thread may call it. Flags: VDISK_EXTENTS_PARENT.
 *
 * The extents are in ascending order. Each has VDISK_EXTENT_DATA, or VDISK_EXTENT_ZERO where the data of the snapshot
 * is gone. What no extent covers, up to *next, has not changed. Beyond the end of the snapshot, the snapshot counts as
 * zeroes. If the image has been shrunk since, the part that it lost is not reported.
 *
 * If `from` is NULL, the call finds what differs from the image as it was created. With VDISK_EXTENTS_PARENT it finds
 * what differs from zeroes. If `from` is NULL, all extents have VDISK_EXTENT_DATA. The flag has a meaning only if
 * `from` is NULL.
 *
 * *count and *next are as for vdisk_extents, but *next can lie beyond the end of the last extent.
 *
 * -EINVAL      `from` is empty, or newer than the disk's own snapshot; or for a reason in the table above
 */
int vdisk_diff(struct vdisk_extent *changes, size_t *count, uint64_t *next, struct vdisk *disk, const char *from,
               uint64_t offset, uint64_t length, uint32_t flags, struct vdisk_error *err);

/*
 * vdisk_extents and vdisk_diff on a queue. They never block. 0 means that the operation is accepted. It may be
 * cancelled while it runs.
 *
 * The call reads *count and then sets it to 0, and sets *next to `offset`. `from` is copied. The array, *count and
 * *next are lent to the library until the completion is reaped; reaping fills them in.
 *
 * -EAGAIN      the queue is full, or no thread can be started
 * (any other)  an error of the synchronous form that is known at once
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
