/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/worker.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/container.h"

/* Work that its poster waits for. */
struct call {
    struct vd_work work;
    struct vd_worker *worker;
    struct vd_timer *timer;
    sem_t done;
};

static struct call *call_of(struct vd_work *work)
{
    return VD_CONTAINER_OF(work, struct call, work);
}

static struct vd_work *work_of(struct vd_node *node)
{
    return VD_CONTAINER_OF(node, struct vd_work, node);
}

/* Runs all work that was posted. Returns whether there was any. */
static bool run_posted(struct vd_worker *worker)
{
    struct vd_node *node = vd_mailbox_take(&worker->mailbox);
    bool any = node;

    while (node) {
        struct vd_work *work = work_of(node);

        /* Read `next` before running the work, which may post itself again or free itself. */
        node = node->next;
        work->run(work);
    }
    return any;
}

/* Runs the timers that are due. Returns when the next one is due, or VD_NEVER. */
static int64_t run_timers(struct vd_worker *worker)
{
    int64_t next = VD_NEVER;

    for (struct vd_timer *timer = worker->timers; timer; timer = timer->next) {
        if (timer->due <= vd_now()) {
            timer->run(timer);
            timer->due = vd_time_after_ms(timer->period_ms);
        }
        if (timer->due < next)
            next = timer->due;
    }
    return next;
}

static void *worker_main(void *arg)
{
    struct vd_worker *worker = arg;

    while (!worker->stopping) {
        vd_mailbox_wait(&worker->mailbox, run_timers(worker));
        run_posted(worker);
    }
    /* Run what the last work has posted: no work may be lost, and a mailbox must be empty before it is destroyed. */
    while (run_posted(worker))
        continue;
    return NULL;
}

int vd_worker_start(struct vd_worker *worker)
{
    int r;

    worker->timers = NULL;
    worker->stopping = false;
    r = vd_mailbox_init(&worker->mailbox, VD_DOORBELL_SEMAPHORE);
    if (r < 0)
        return r;
    r = -pthread_create(&worker->thread, NULL, worker_main, worker);
    if (r < 0)
        vd_mailbox_destroy(&worker->mailbox);
    return r;
}

void vd_worker_post(struct vd_worker *worker, struct vd_work *work)
{
    vd_mailbox_post(&worker->mailbox, &work->node);
}

static void run_call(struct vd_worker *worker, struct vd_timer *timer, void (*run)(struct vd_work *))
{
    struct call call = {.work.run = run, .worker = worker, .timer = timer};

    sem_init(&call.done, 0, 0);
    vd_worker_post(worker, &call.work);
    while (sem_wait(&call.done) < 0)
        assert(errno == EINTR);
    sem_destroy(&call.done);
}

static void note_flush(struct vd_work *work)
{
    sem_post(&call_of(work)->done);
}

void vd_worker_flush(struct vd_worker *worker)
{
    run_call(worker, NULL, note_flush);
}

static void note_stop(struct vd_work *work)
{
    struct call *call = call_of(work);

    call->worker->stopping = true;
    sem_post(&call->done);
}

void vd_worker_stop(struct vd_worker *worker)
{
    run_call(worker, NULL, note_stop);
    pthread_join(worker->thread, NULL);
    vd_mailbox_destroy(&worker->mailbox);
}

static void note_start_timer(struct vd_work *work)
{
    struct call *call = call_of(work);

    call->timer->due = vd_time_after_ms(call->timer->period_ms);
    call->timer->next = call->worker->timers;
    call->worker->timers = call->timer;
    sem_post(&call->done);
}

void vd_worker_start_timer(struct vd_worker *worker, struct vd_timer *timer)
{
    run_call(worker, timer, note_start_timer);
}

static void note_stop_timer(struct vd_work *work)
{
    struct call *call = call_of(work);
    struct vd_timer **link = &call->worker->timers;

    while (*link != call->timer)
        link = &(*link)->next;
    *link = call->timer->next;
    sem_post(&call->done);
}

void vd_worker_stop_timer(struct vd_worker *worker, struct vd_timer *timer)
{
    run_call(worker, timer, note_stop_timer);
}
