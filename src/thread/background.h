/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an open disk has to do aside that may block: asking for a size, opening the image anew, going on with a request.
 * One after the other, in their order; but those of different disks side by side, so that an image which does not
 * answer does not hold up the others of its connection.
 */
#ifndef VD_BACKGROUND_H
#define VD_BACKGROUND_H

#include "thread/executor.h"
#include "thread/worker.h"

struct vd_background {
    /* Takes what is posted, which cannot fail, and gives it to the lane. It does the background job itself if need be.
     */
    struct vd_worker *worker;
    struct vd_lane lane;
};

/* Embedded in what it is about; not to be posted again before it has started to run. It may free itself then. */
struct vd_background_job {
    struct vd_work work;
    struct vd_job job;
    struct vd_background *background;
    void (*run)(struct vd_background_job *background_job);
};

void vd_background_init(struct vd_background *background, struct vd_worker *worker, struct vd_executor *executor);

/* Any thread; never blocks. */
void vd_background_post(struct vd_background *background, struct vd_background_job *background_job);

/* Blocks until everything posted before has run. Not from a background job. */
void vd_background_flush(struct vd_background *background);

#endif
