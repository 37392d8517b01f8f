/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs jobs that may block for a long time. It starts threads when there are jobs, and they end when there are none.
 * Jobs of one lane run one at a time, in the order in which they were posted. Jobs of different lanes run in parallel,
 * on a limited number of threads.
 */
#ifndef VD_EXECUTOR_H
#define VD_EXECUTOR_H

#include <pthread.h>
#include <stdbool.h>

/* Embedded in the structure that it works on. */
struct vd_job {
    struct vd_job *next;
    /* The lane that the job waits in. NULL: it runs, or has run. Protected by the executor's lock. */
    struct vd_lane *lane;
    /* Does the work, while no other job of the lane runs. The executor no longer uses the job, so `run` may free it. */
    void (*run)(struct vd_job *job);
    /* Called with `owner` after `run`. The executor no longer uses an empty lane then, so `finish` may free it. */
    void (*finish)(void *owner);
    void *owner;
};

enum vd_lane_state {
    VD_LANE_IDLE,
    /* It has jobs, and is in the executor's list. */
    VD_LANE_WAITING,
    /* A thread runs a job of this lane. */
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
    /* Those of its users, and one for each thread. */
    unsigned int references;
    unsigned int limit;
    unsigned int threads;
    /* Lanes that wait for a thread. */
    struct vd_lane *first;
    struct vd_lane **last;
};

/* Returns an executor with one reference, which runs at most `limit` threads. NULL: out of memory. */
struct vd_executor *vd_executor_new(unsigned int limit);

/* Takes another reference. Returns `executor`. */
struct vd_executor *vd_executor_get(struct vd_executor *executor);

/* Drops a reference. Jobs that were posted still run. A job may call it. NULL is allowed. */
void vd_executor_put(struct vd_executor *executor);

/* Initializes an empty lane. It has no reference to the executor, which must live until the lane is no longer used. */
void vd_lane_init(struct vd_lane *lane, struct vd_executor *executor);

/*
 * Appends a job to the lane. Returns 0, or -EAGAIN if there is no thread and none can be started; the job is then not
 * in the lane. Never blocks.
 */
int vd_lane_post(struct vd_lane *lane, struct vd_job *job);

/*
 * Takes back a job that was posted to a lane of this executor. Returns false if it runs, or has run. The lane need not
 * exist any more in that case.
 */
bool vd_executor_take_back(struct vd_executor *executor, struct vd_job *job);

#endif
