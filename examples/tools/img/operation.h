/* SPDX-License-Identifier: MIT */
/*
 * Runs operations that can take long. They run on a queue, which reports their progress.
 */
#ifndef OPERATION_H
#define OPERATION_H

#include <vdisk/vdisk.h>

#include "img/args.h"

/*
 * Starts an operation on the queue with VDISK_AIO_PROGRESS. `disk` is NULL for an image that is not open. Returns 0 or
 * a negative errno.
 */
typedef int operation_start(struct vdisk_queue *queue, const struct img_args *args, struct vdisk *disk,
                            struct vdisk_error *err);

/* Starts an operation and waits for its end, with a progress bar if one is wanted. Returns 0 or a negative errno. */
int operation_run(const struct img_args *args, struct vdisk *disk, operation_start *start, struct vdisk_error *err);

#endif
