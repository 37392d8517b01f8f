/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cancelling what is in a queue, by its tag.
 */
#ifndef VD_CANCEL_TAG_H
#define VD_CANCEL_TAG_H

#include "io/queue.h"

/* As vdisk_queue_cancel. */
int vd_queue_cancel(struct vdisk_queue *queue, const void *user_data);

#endif
