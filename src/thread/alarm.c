/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread/alarm.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/container.h"
#include "base/process.h"

/* The lock protects the alarms that are set, the number of all alarms, and whether the alarms' thread runs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_cond_t changed;
static struct vd_heap set_alarms;
static size_t count;
static bool running;

static void init_changed(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

int vd_alarm_init(struct vd_alarm *alarm, void (*ring)(struct vd_alarm *alarm))
{
    int r;

    pthread_once(&once, init_changed);
    *alarm = (struct vd_alarm){.ring = ring};
    pthread_mutex_lock(&lock);
    r = vd_heap_reserve(&set_alarms, count + 1);
    if (r == 0)
        count++;
    pthread_mutex_unlock(&lock);
    return r;
}

void vd_alarm_destroy(struct vd_alarm *alarm)
{
    pthread_mutex_lock(&lock);
    vd_heap_remove(&set_alarms, &alarm->item);
    /* The alarms' thread ends when no alarm is set. Wake it, so that it notices. */
    if (set_alarms.count == 0)
        pthread_cond_signal(&changed);
    if (--count == 0)
        vd_heap_destroy(&set_alarms);
    pthread_mutex_unlock(&lock);
}

static void sleep_until(int64_t time)
{
    struct timespec until = vd_timespec(time);

    pthread_cond_timedwait(&changed, &lock, &until);
}

/* Calls `ring` with the lock held, so that `ring` does not run once vd_alarm_destroy has taken the lock. */
static void *thread_main(void *arg)
{
    struct vd_heap_item *item;

    (void)arg;
    pthread_mutex_lock(&lock);
    while ((item = vd_heap_first(&set_alarms))) {
        if (item->time > vd_now()) {
            sleep_until(item->time);
            continue;
        }
        vd_heap_remove(&set_alarms, item);

        struct vd_alarm *alarm = VD_CONTAINER_OF(item, struct vd_alarm, item);

        alarm->ring(alarm);
    }
    running = false;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Starts the alarms' thread, with the lock held. */
static int start_thread(void)
{
    sigset_t signals;
    pthread_t thread;
    int r;

    vd_signals_block(&signals);
    r = pthread_create(&thread, NULL, thread_main, NULL);
    vd_signals_restore(&signals);
    if (r != 0)
        return -EAGAIN;
    pthread_detach(thread);
    running = true;
    return 0;
}

int vd_alarm_set(struct vd_alarm *alarm, int64_t time)
{
    int r = 0;

    pthread_mutex_lock(&lock);
    vd_heap_remove(&set_alarms, &alarm->item);
    if (!running)
        r = start_thread();
    if (r == 0) {
        alarm->item.time = time;
        vd_heap_add(&set_alarms, &alarm->item);
        if (vd_heap_first(&set_alarms) == &alarm->item)
            pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    return r;
}
