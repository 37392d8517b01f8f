/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The background jobs of an open disk, which may block: asking for the image's size, opening the image again, going on
 * with a request. The jobs of one disk run one after the other, in the order in which they were posted. Jobs of
 * different disks run in parallel, so that an image that does not answer does not delay the other disks of its
 * connection.
 */
#ifndef VD_BACKGROUND_H
#define VD_BACKGROUND_H

#include "thread/executor.h"
#include "thread/worker.h"

struct vd_background {
    /*
     * Posting to the worker cannot fail. The worker's thread gives the job to the lane, or runs the job itself if the
     * executor can start no thread.
     */
    struct vd_worker *worker;
    struct vd_lane lane;
};

/*
 * Embedded in the structure that it works on. It must not be posted again before it has started to run. `run` may free
 * the job.
 */
struct vd_background_job {
    struct vd_work work;
    struct vd_job job;
    struct vd_background *background;
    void (*run)(struct vd_background_job *background_job);
};

void vd_background_init(struct vd_background *background, struct vd_worker *worker, struct vd_executor *executor);

/* Posts a job. Any thread may call it. Never blocks. */
void vd_background_post(struct vd_background *background, struct vd_background_job *background_job);

/* Blocks until every job that was posted before has run. A background job must not call it. */
void vd_background_flush(struct vd_background *background);

#endif
