/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvdisk: use a Ceph RBD image as a virtual disk.
 *
 * This header includes all of the others:
 *
 *   uri.h       name an image:  rbd:pool/image@snapshot:option=value
 *   disk.h      open it, ask about it, resize it, close it
 *   image.h     create, clone, list, rename and remove images
 *   io.h        read, write, discard, write zeroes, compare and write, waiting for the result
 *   queue.h     the same through a queue with one pollable descriptor
 *   event.h     hear of what others do to a disk
 *   snapshot.h  create, remove, roll back, protect and list snapshots
 *   extent.h    which parts hold data, and which have changed
 *   error.h     the sentence that explains a failure
 *   version.h   which libvdisk this is
 *
 * Conventions that hold everywhere:
 *
 * - An `int` function returns 0 or a negative errno value, unless it is documented to return a count.
 * - Out-parameters come first and are always set: to NULL or 0 when the call fails.
 * - Offsets and lengths are in bytes and 64 bits wide.
 * - Strings are NUL-terminated bytes; names need not be UTF-8. The library copies what it keeps.
 * - A flag that this version does not know is refused with -EINVAL, never ignored.
 * - Structures that start with `size_t struct_size` are set up with their `vdisk_..._init` function, which zeroes
 *   them and records the size the caller was compiled with. A later libvdisk may append fields. An older libvdisk
 *   that is handed a longer structure accepts it while the part it does not know is all zero, else -E2BIG.
 * - Functions that free something accept NULL.
 * - No function calls back into the caller, and none of the library's or Ceph's threads touches the caller's memory,
 *   with the one exception of VDISK_IO_ZERO_COPY (io.h).
 * - After fork() in a process that has connected to a cluster, the child may only exec or _exit. Calls that would
 *   need the parent's threads fail there with -EPERM instead of hanging.
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
