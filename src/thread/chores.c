/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/chores.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stddef.h>

#include "base/container.h"

/* A chore that somebody waits for: the last that those posted before it do is done by then. */
struct flush {
    struct vd_chore chore;
    sem_t done;
};

void vd_chores_init(struct vd_chores *chores, struct vd_worker *worker, struct vd_executor *executor)
{
    chores->worker = worker;
    vd_lane_init(&chores->lane, executor);
}

static void run_job(struct vd_job *job)
{
    struct vd_chore *chore = VD_CONTAINER_OF(job, struct vd_chore, job);

    chore->run(chore);
}

/*
 * On the worker. Where no thread can be started, and so none is busy with what was posted before, it is done here, as
 * long as that takes.
 */
static void dispatch(struct vd_work *work)
{
    struct vd_chore *chore = VD_CONTAINER_OF(work, struct vd_chore, work);
    void (*finish)(void *owner) = chore->job.finish;
    void *owner = chore->job.owner;

    if (vd_lane_post(&chore->chores->lane, &chore->job) == 0)
        return;
    chore->run(chore);
    finish(owner);
}

static void post(struct vd_chores *chores, struct vd_chore *chore, void (*finish)(void *owner), void *owner)
{
    chore->chores = chores;
    chore->work.run = dispatch;
    chore->job = (struct vd_job){.run = run_job, .finish = finish, .owner = owner};
    vd_worker_post(chores->worker, &chore->work);
}

static void no_finish(void *owner)
{
    (void)owner;
}

void vd_chores_post(struct vd_chores *chores, struct vd_chore *chore)
{
    post(chores, chore, no_finish, NULL);
}

static void run_nothing(struct vd_chore *chore)
{
    (void)chore;
}

/* When the lane is not the executor's any more: it may be freed. */
static void finish_flush(void *owner)
{
    struct flush *flush = owner;

    sem_post(&flush->done);
}

void vd_chores_flush(struct vd_chores *chores)
{
    struct flush flush = {.chore.run = run_nothing};

    sem_init(&flush.done, 0, 0);
    post(chores, &flush.chore, finish_flush, &flush);
    while (sem_wait(&flush.done) < 0)
        assert(errno == EINTR);
    sem_destroy(&flush.done);
}
