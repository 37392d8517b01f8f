/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/background.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stddef.h>

#include "base/container.h"

/* A background job that vd_background_flush waits for. When it has run, all jobs posted before it have finished. */
struct flush {
    struct vd_background_job background_job;
    sem_t done;
};

void vd_background_init(struct vd_background *background, struct vd_worker *worker, struct vd_executor *executor)
{
    background->worker = worker;
    vd_lane_init(&background->lane, executor);
}

static void run_job(struct vd_job *job)
{
    struct vd_background_job *background_job = VD_CONTAINER_OF(job, struct vd_background_job, job);

    background_job->run(background_job);
}

/*
 * Runs on the worker's thread, and gives the job to the lane. If the executor has no thread and cannot start one, no
 * earlier job is running either, and the worker runs this job itself. That may block the worker.
 */
static void dispatch(struct vd_work *work)
{
    struct vd_background_job *background_job = VD_CONTAINER_OF(work, struct vd_background_job, work);
    void (*finish)(void *owner) = background_job->job.finish;
    void *owner = background_job->job.owner;

    if (vd_lane_post(&background_job->background->lane, &background_job->job) == 0)
        return;
    background_job->run(background_job);
    finish(owner);
}

static void post(struct vd_background *background, struct vd_background_job *background_job,
                 void (*finish)(void *owner), void *owner)
{
    background_job->background = background;
    background_job->work.run = dispatch;
    background_job->job = (struct vd_job){.run = run_job, .finish = finish, .owner = owner};
    vd_worker_post(background->worker, &background_job->work);
}

static void no_finish(void *owner)
{
    (void)owner;
}

void vd_background_post(struct vd_background *background, struct vd_background_job *background_job)
{
    post(background, background_job, no_finish, NULL);
}

static void run_nothing(struct vd_background_job *background_job)
{
    (void)background_job;
}

/* Called when the executor no longer uses the lane, so that the caller of vd_background_flush may free it. */
static void finish_flush(void *owner)
{
    struct flush *flush = owner;

    sem_post(&flush->done);
}

void vd_background_flush(struct vd_background *background)
{
    struct flush flush = {.background_job.run = run_nothing};

    sem_init(&flush.done, 0, 0);
    post(background, &flush.background_job, finish_flush, &flush);
    while (sem_wait(&flush.done) < 0)
        assert(errno == EINTR);
    sem_destroy(&flush.done);
}
