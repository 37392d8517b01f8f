/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection's own thread, for what must not run on librbd's threads or the caller's. Its disks share it, so that
 * nothing here should block: what could is given on (background.h).
 */
#ifndef VD_WORKER_H
#define VD_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/mailbox.h"

/* Something to run once. Embedded in what it is about; not to be posted again before it has started to run. */
struct vd_work {
    struct vd_node node;
    void (*run)(struct vd_work *work);
};

/* Something to run every `period_ms`. Embedded in what it is about. */
struct vd_timer {
    struct vd_timer *next;
    uint32_t period_ms;
    int64_t due;
    void (*run)(struct vd_timer *timer);
};

struct vd_worker {
    pthread_t thread;
    struct vd_mailbox mailbox;
    /* The thread's own. */
    struct vd_timer *timers;
    bool stopping;
};

/* Starts the thread, with the signal mask of the caller's. Returns 0, -EAGAIN or -ENOMEM. */
int vd_worker_start(struct vd_worker *worker);

/* Runs what was posted, and what that posts in its turn, then ends the thread. */
void vd_worker_stop(struct vd_worker *worker);

/* Any thread; never blocks. Work runs in the order it was posted. */
void vd_worker_post(struct vd_worker *worker, struct vd_work *work);

/* Blocks until everything posted before has run. Not from the worker's own thread. */
void vd_worker_flush(struct vd_worker *worker);

/* Starts and stops a timer; both block until the thread has taken note. After stopping, it is not running either. */
void vd_worker_start_timer(struct vd_worker *worker, struct vd_timer *timer);
void vd_worker_stop_timer(struct vd_worker *worker, struct vd_timer *timer);

#endif
