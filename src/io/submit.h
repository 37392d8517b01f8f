/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Submitting a request to a queue.
 */
#ifndef VD_SUBMIT_H
#define VD_SUBMIT_H

#include "io/queue.h"

/*
 * Queue's thread. Submits a transfer whose kind, buffers, flags and disk are checked. Enters the disk's current view,
 * and checks the range against its size unless transfer->was_inside. Returns 0 when the request is accepted, or an
 * error that vdisk_aio_readv documents. Does not block.
 */
int vd_queue_submit(struct vdisk_queue *queue, struct vd_transfer *transfer, void *user_data);

#endif
