/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/executor.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/process.h"

struct vd_executor *vd_executor_new(unsigned int limit)
{
    struct vd_executor *executor = calloc(1, sizeof *executor);

    if (!executor)
        return NULL;
    pthread_mutex_init(&executor->lock, NULL);
    executor->references = 1;
    executor->limit = limit;
    executor->last = &executor->first;
    return executor;
}

/* Drops a reference. The caller has the lock, which this function releases. */
static void drop_reference(struct vd_executor *executor)
{
    bool last = --executor->references == 0;

    pthread_mutex_unlock(&executor->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&executor->lock);
    free(executor);
}

struct vd_executor *vd_executor_get(struct vd_executor *executor)
{
    pthread_mutex_lock(&executor->lock);
    executor->references++;
    pthread_mutex_unlock(&executor->lock);
    return executor;
}

void vd_executor_put(struct vd_executor *executor)
{
    if (!executor)
        return;
    pthread_mutex_lock(&executor->lock);
    drop_reference(executor);
}

void vd_lane_init(struct vd_lane *lane, struct vd_executor *executor)
{
    *lane = (struct vd_lane){.executor = executor, .last = &lane->first};
}

/* The caller of this function, and of those up to remove_job, has the lock. */
static void add_lane(struct vd_executor *executor, struct vd_lane *lane)
{
    lane->state = VD_LANE_WAITING;
    lane->next = NULL;
    *executor->last = lane;
    executor->last = &lane->next;
}

static struct vd_lane *take_lane(struct vd_executor *executor)
{
    struct vd_lane *lane = executor->first;

    if (!lane)
        return NULL;
    executor->first = lane->next;
    if (!executor->first)
        executor->last = &executor->first;
    return lane;
}

static void remove_lane(struct vd_executor *executor, const struct vd_lane *lane)
{
    struct vd_lane **link = &executor->first;

    while (*link != lane)
        link = &(*link)->next;
    *link = lane->next;
    if (!*link)
        executor->last = link;
}

static void add_job(struct vd_lane *lane, struct vd_job *job)
{
    job->next = NULL;
    job->lane = lane;
    *lane->last = job;
    lane->last = &job->next;
}

static void remove_job(struct vd_job *job)
{
    struct vd_job **link = &job->lane->first;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    if (!*link)
        job->lane->last = link;
    job->lane = NULL;
}

/* Runs the lane's oldest job. The caller has the lock, which this function releases while the job runs. */
static void run_one(struct vd_executor *executor, struct vd_lane *lane)
{
    struct vd_job *job = lane->first;
    void (*finish)(void *owner) = job->finish;
    void *owner = job->owner;

    remove_job(job);
    lane->state = VD_LANE_RUNNING;
    pthread_mutex_unlock(&executor->lock);
    job->run(job);
    pthread_mutex_lock(&executor->lock);
    lane->state = VD_LANE_IDLE;
    /* The lane goes behind the others, so that no lane keeps a thread for itself. */
    if (lane->first)
        add_lane(executor, lane);
    pthread_mutex_unlock(&executor->lock);
    finish(owner);
    pthread_mutex_lock(&executor->lock);
}

static void *thread_main(void *arg)
{
    struct vd_executor *executor = arg;
    struct vd_lane *lane;

    pthread_mutex_lock(&executor->lock);
    while ((lane = take_lane(executor)))
        run_one(executor, lane);
    executor->threads--;
    drop_reference(executor);
    return NULL;
}

/* Starts a thread, in which all signals are blocked. The caller has the lock. */
static int start_thread(struct vd_executor *executor)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t signals;
    int r;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    vd_signals_block(&signals);
    r = -pthread_create(&thread, &attributes, thread_main, executor);
    vd_signals_restore(&signals);
    pthread_attr_destroy(&attributes);
    if (r < 0)
        return r;
    executor->threads++;
    executor->references++;
    return 0;
}

int vd_lane_post(struct vd_lane *lane, struct vd_job *job)
{
    struct vd_executor *executor = lane->executor;
    int r = 0;

    pthread_mutex_lock(&executor->lock);
    add_job(lane, job);
    if (lane->state != VD_LANE_IDLE)
        goto out;
    /* An existing thread will come to this lane in time, so a failure matters only when there is no thread. */
    if (executor->threads < executor->limit)
        r = start_thread(executor);
    if (r < 0 && executor->threads == 0) {
        remove_job(job);
        r = -EAGAIN;
        goto out;
    }
    r = 0;
    add_lane(executor, lane);
out:
    pthread_mutex_unlock(&executor->lock);
    return r;
}

bool vd_executor_take_back(struct vd_executor *executor, struct vd_job *job)
{
    struct vd_lane *lane;

    pthread_mutex_lock(&executor->lock);
    lane = job->lane;
    if (lane)
        remove_job(job);
    /* The caller may free an empty lane, so remove it from the list before a thread finds it. */
    if (lane && lane->state == VD_LANE_WAITING && !lane->first) {
        remove_lane(executor, lane);
        lane->state = VD_LANE_IDLE;
    }
    pthread_mutex_unlock(&executor->lock);
    return lane;
}
