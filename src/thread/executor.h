/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs jobs that may block for long, on threads that are started when there is something to do and end when there is
 * not. Jobs of one lane run one at a time, in their order; those of different lanes side by side, up to a bound.
 */
#ifndef VD_EXECUTOR_H
#define VD_EXECUTOR_H

#include <pthread.h>
#include <stdbool.h>

/* Embedded in what it is about. */
struct vd_job {
    struct vd_job *next;
    /* The lane that it waits in, under the executor's lock. NULL: it runs, or has run. */
    struct vd_lane *lane;
    /* Does the work, with the lane to itself. From its beginning on the job is not the executor's any more. */
    void (*run)(struct vd_job *job);
    /* Called with `owner` after that, when the lane is not the executor's any more either: it may be freed here. */
    void (*finish)(void *owner);
    void *owner;
};

enum vd_lane_state {
    VD_LANE_IDLE,
    /* In the executor's list. */
    VD_LANE_WAITING,
    /* A thread runs a job of it. */
    VD_LANE_RUNNING,
};

struct vd_lane {
    struct vd_executor *executor;
    enum vd_lane_state state;
    struct vd_job *first;
    struct vd_job **last;
    struct vd_lane *next;
};

struct vd_executor {
    pthread_mutex_t lock;
    /* Owners and threads. */
    unsigned int references;
    unsigned int limit;
    unsigned int threads;
    /* Lanes that wait for a thread. */
    struct vd_lane *first;
    struct vd_lane **last;
};

/* At most `limit` threads. NULL: out of memory. */
struct vd_executor *vd_executor_new(unsigned int limit);

/* One more reference. */
struct vd_executor *vd_executor_get(struct vd_executor *executor);

/* Drops a reference. What was posted still runs. May be called by a job. NULL is fine. */
void vd_executor_put(struct vd_executor *executor);

void vd_lane_init(struct vd_lane *lane, struct vd_executor *executor);

/* Appends a job. -EAGAIN: there is no thread and none can be started; the job is not in the lane. Never blocks. */
int vd_lane_post(struct vd_lane *lane, struct vd_job *job);

/*
 * Takes a job back that was posted to a lane of the executor's. false: it runs, or has run; then the lane need not
 * exist any more.
 */
bool vd_executor_take_back(struct vd_executor *executor, struct vd_job *job);

#endif
