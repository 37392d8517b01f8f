/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue's plug. While a queue is plugged, reads and writes wait in it, and adjacent ones are merged into one I/O.
 * That pays because librbd's cost for one more I/O is much higher than for a few more bytes in one. Only the queue's
 * thread uses the plug.
 */
#ifndef VD_PLUG_H
#define VD_PLUG_H

#include <stdbool.h>

#include "io/queue.h"

/* Whether a request may wait in the plug of a plugged queue. Otherwise it is started at once. */
bool vd_plug_takes(const struct vd_transfer *transfer);

/*
 * Finds an I/O in the plug that ends where this transfer begins, and makes it longer by the transfer. The caller then
 * calls vd_request_join. NULL: there is none, or its buffer cannot grow.
 */
struct vd_rbd_io *vd_plug_find(struct vdisk_queue *queue, const struct vd_transfer *transfer);

/* The size of the bounce buffer for a new I/O: as long as the last merged I/O, since this one may grow as well. */
uint64_t vd_plug_room(const struct vdisk_queue *queue, const struct vd_transfer *transfer);

/* Puts an I/O into the plug. */
void vd_plug_add(struct vdisk_queue *queue, struct vd_rbd_io *io);

/* Starts every I/O in the plug, the oldest first. One that librbd does not take completes with librbd's error. */
void vd_plug_send(struct vdisk_queue *queue);

#endif
