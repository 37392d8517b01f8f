/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvdisk: use a Ceph RBD image as a virtual disk.
 *
 * This header includes all the others:
 *
 *   uri.h       name an image:  rbd:pool/image@snapshot:option=value
 *   disk.h      open a disk, ask about it, resize it, close it
 *   image.h     create, clone, list, rename and remove images
 *   io.h        read, write, discard, write zeroes, compare and write; each call waits for its result
 *   queue.h     the same without waiting, through a queue with one pollable descriptor
 *   event.h     learn of changes that others make to a disk
 *   snapshot.h  create, remove, roll back to, protect and list snapshots
 *   extent.h    find out which parts of a disk hold data, and which have changed
 *   error.h     get the sentence that explains a failure
 *   version.h   ask for the version of libvdisk
 *
 * Conventions that hold everywhere:
 *
 * - An `int` function returns 0 or a negative errno value. Its text says so if it returns a count or a descriptor.
 * - Each function lists its errors in a table, with a reason for each. The row "(any other)" is for errors that are not
 *   named. Most of these come from librbd or librados, and the library passes them on.
 * - Out-parameters come first, after the queue of a vdisk_aio_... call; `err` is last. They are always set. A failed
 * call sets them to NULL or 0, unless its text says otherwise.
 * - Offsets and lengths are in bytes and 64 bits wide.
 * - Strings are bytes that end with a NUL; names need not be UTF-8. The library copies what it keeps.
 * - A flag that this version does not know is refused with -EINVAL, never ignored.
 * - A structure that starts with `size_t struct_size` is set up with its `vdisk_..._init` function, which zeroes it and
 *   records the size that the caller was compiled with. A later libvdisk may append fields. An older libvdisk accepts a
 *   longer structure while the part that it does not know is all zero; otherwise it returns -E2BIG. A size that no
 *   version had, such as 0, is -EINVAL.
 * - Functions that free something accept NULL.
 * - No function calls back into the caller. No thread of the library or of Ceph touches the caller's memory, except
 *   with VDISK_IO_ZERO_COPY (io.h).
 * - After fork() in a process that has connected to a cluster, the child must not call this library; it may call exec
 * or _exit. Calls that would need the parent's threads return -EPERM there instead of hanging. The tables call this
 *   process a forked child.
 *
 * Words that have one meaning everywhere:
 *
 * - A request reads a disk, changes its data or flushes it: io.h and queue.h have the kinds. A control operation, or
 *   operation, is anything else that can wait for the cluster, such as opening or resizing.
 * - The caller cancels a request or operation (vdisk_queue_cancel). A request expires when it takes longer than
 *   vdisk_open_options.io_timeout_ms.
 * - A write is indeterminate while it may still change the image although its request is complete: see
 *   vdisk_info.indeterminate_writes. It settles when that is over.
 * - A client is one connection of a process to the cluster, with an address of its own. The cluster fences a client by
 *   putting it on the blocklist, and then refuses what comes from that client. Disks of one process that share a
 *   connection are one client.
 * - A request is in flight from its acceptance until it is reaped. A detached request is not in flight.
 */
#ifndef VDISK_VDISK_H
#define VDISK_VDISK_H

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/event.h>
#include <vdisk/extent.h>
#include <vdisk/image.h>
#include <vdisk/io.h>
#include <vdisk/queue.h>
#include <vdisk/snapshot.h>
#include <vdisk/uri.h>
#include <vdisk/version.h>

#endif
