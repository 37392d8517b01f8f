/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tests submit requests to queues and wait for their completions. */
#ifndef QUEUES_H
#define QUEUES_H

#include <vdisk/vdisk.h>

struct vdisk_queue *new_queue(unsigned int depth);
/* Waits for one completion. */
struct vdisk_completion wait_one(struct vdisk_queue *queue);
/* Waits for all that are in flight. Each must have succeeded. */
void reap_all(struct vdisk_queue *queue);

#endif
