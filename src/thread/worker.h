/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection's worker: a thread for work that must not run on librbd's threads or the caller's. All disks of the
 * connection share it, so its work should not block. Work that may block is a background job (background.h).
 */
#ifndef VD_WORKER_H
#define VD_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "thread/mailbox.h"

/*
 * Work that the worker runs once. Embedded in the structure that it works on. It must not be posted again before it has
 * started to run.
 */
struct vd_work {
    struct vd_node node;
    void (*run)(struct vd_work *work);
};

/* A function that the worker calls every `period_ms` milliseconds. Embedded in the structure that it works on. */
struct vd_timer {
    struct vd_timer *next;
    uint32_t period_ms;
    int64_t due;
    void (*run)(struct vd_timer *timer);
};

struct vd_worker {
    pthread_t thread;
    struct vd_mailbox mailbox;
    /* Only the worker's thread uses these two. */
    struct vd_timer *timers;
    bool stopping;
};

/* Starts the worker's thread, which inherits the caller's signal mask. Returns 0, -EAGAIN or -ENOMEM. */
int vd_worker_start(struct vd_worker *worker);

/*
 * Ends the worker's thread, after all work that was posted, and the work that it posts, has run. Blocks. The worker's
 * thread must not call it.
 */
void vd_worker_stop(struct vd_worker *worker);

/* Posts work. Work runs in the order in which it was posted. Any thread may call it. Never blocks. */
void vd_worker_post(struct vd_worker *worker, struct vd_work *work);

/* Blocks until all work that was posted before has run. The worker's thread must not call it. */
void vd_worker_flush(struct vd_worker *worker);

/*
 * Start and stop a timer. Both block until the worker's thread has done so, and so must not be called on it. After
 * vd_worker_stop_timer, the timer's function is not running.
 */
void vd_worker_start_timer(struct vd_worker *worker, struct vd_timer *timer);
void vd_worker_stop_timer(struct vd_worker *worker, struct vd_timer *timer);

#endif
