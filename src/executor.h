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
    /* Does the work. */
    void (*run)(struct vd_job *job);
    /* After that, when neither job nor lane is the executor's any more: both may be freed here. */
    void (*finish)(struct vd_job *job);
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

/* Drops the owner's reference. What was posted still runs. May be called by a job. */
void vd_executor_put(struct vd_executor *executor);

void vd_lane_init(struct vd_lane *lane, struct vd_executor *executor);

/* Appends a job. -EAGAIN: there is no thread and none can be started; the job is not in the lane. Never blocks. */
int vd_lane_post(struct vd_lane *lane, struct vd_job *job);

/* Takes a job back. false: it runs, or has run. */
bool vd_lane_take_back(struct vd_lane *lane, struct vd_job *job);

#endif
