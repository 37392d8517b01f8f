/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between plugging and unplugging a queue, reads and writes gather, and those that are adjacent become one I/O: what
 * librbd does for a request costs much more than what a few more bytes in it do.
 */
#ifndef VD_PLUG_H
#define VD_PLUG_H

#include <stdbool.h>

#include "io/queue.h"

/* Whether a request can wait in the plug of a queue that is plugged, rather than be started at once. */
bool vd_plug_takes(const struct vd_transfer *transfer);

/*
 * The I/O there that this transfer continues, with room for it; NULL: none. On success it is made longer by the
 * transfer, which vd_request_join must fill.
 */
struct vd_rbd_io *vd_plug_find(struct vdisk_queue *queue, const struct vd_transfer *transfer);

/* How many bytes to get for the buffer of a new I/O, in the hope that it will be continued. */
uint64_t vd_plug_room(const struct vdisk_queue *queue, const struct vd_transfer *transfer);

/* Has a I/O wait there. */
void vd_plug_add(struct vdisk_queue *queue, struct vd_rbd_io *io);

/* Starts all that wait. Those that librbd does not take complete with its error. */
void vd_plug_send(struct vdisk_queue *queue);

#endif
