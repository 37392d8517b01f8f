/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cancelling the requests, operations and watches of a queue that have a tag.
 */
#ifndef VD_CANCEL_TAG_H
#define VD_CANCEL_TAG_H

#include "io/queue.h"

/* Does what vdisk_queue_cancel documents. */
int vd_queue_cancel(struct vdisk_queue *queue, const void *user_data);

#endif
