/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker_helpers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/container.h"

struct vd_worker worker;
struct checkpoint blocker;
unsigned int ran;

int start_worker(void **state)
{
    (void)state;
    return vd_worker_start(&worker);
}

int stop_worker(void **state)
{
    (void)state;
    vd_worker_stop(&worker);
    return 0;
}

/* Work. */

void note_place(struct vd_work *work)
{
    struct noted *noted = VD_CONTAINER_OF(work, struct noted, work);

    noted->place = ++ran;
}

void post_noted(struct noted *noted, size_t count)
{
    ran = 0;
    for (size_t i = 0; i < count; i++) {
        noted[i] = (struct noted){.work.run = note_place};
        vd_worker_post(&worker, &noted[i].work);
    }
}

void check_places(const struct noted *noted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(noted[i].place, i + 1);
}

static void stop_at_blocker(struct vd_work *work)
{
    (void)work;
    pass_checkpoint(&blocker);
}

void block_worker(void)
{
    static struct vd_work work = {.run = stop_at_blocker};

    init_checkpoint(&blocker, true);
    vd_worker_post(&worker, &work);
    await_checkpoint(&blocker);
}

void unblock_worker(void)
{
    open_checkpoint(&blocker);
    vd_worker_flush(&worker);
}

/* Timers. */

static void count(struct vd_timer *timer)
{
    struct counted *counted = VD_CONTAINER_OF(timer, struct counted, timer);

    counted->last = vd_now();
    if (counted->runs++ == 0)
        counted->first = counted->last;
    if (counted->runs == counted->enough)
        sem_post(&counted->told);
}

void start_counted(struct counted *counted, uint32_t period_ms, unsigned int enough)
{
    memset(counted, 0, sizeof *counted);
    counted->timer = (struct vd_timer){.period_ms = period_ms, .run = count};
    counted->enough = enough;
    sem_init(&counted->told, 0, 0);
    vd_worker_start_timer(&worker, &counted->timer);
}

void stop_counted(struct counted *counted)
{
    vd_worker_stop_timer(&worker, &counted->timer);
    sem_destroy(&counted->told);
}
