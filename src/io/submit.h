/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a request enters a queue.
 */
#ifndef VD_SUBMIT_H
#define VD_SUBMIT_H

#include "io/queue.h"

/*
 * Submits a transfer whose kind, buffers, flags and disk are valid. Enters the disk's current view and checks the range
 * against it, unless that was inside before. Errors as documented for vdisk_aio_readv.
 */
int vd_queue_submit(struct vdisk_queue *queue, struct vd_transfer *transfer, void *user_data);

#endif
