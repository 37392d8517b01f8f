/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/expiry.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/container.h"

/* On the alarms' thread. */
static void ring(struct vd_alarm *alarm)
{
    struct vdisk_queue *queue = VD_CONTAINER_OF(alarm, struct vdisk_queue, alarm);

    /* It can be set, and ring, again before its letter is taken. Acquire: the letter's last use is over. */
    if (!atomic_exchange_explicit(&queue->alarm_posted, true, memory_order_acq_rel))
        vd_mailbox_post_urgent(&queue->mailbox, &queue->alarm_letter.node);
}

int vd_expiry_init(struct vdisk_queue *queue, bool polled)
{
    queue->alarm_time = VD_NEVER;
    queue->alarm_letter.kind = VD_LETTER_ALARM;
    queue->has_alarm = polled;
    return polled ? vd_alarm_init(&queue->alarm, ring) : 0;
}

void vd_expiry_destroy(struct vdisk_queue *queue)
{
    if (queue->has_alarm)
        vd_alarm_destroy(&queue->alarm);
    vd_heap_free(&queue->deadlines);
}

static void set_alarm(struct vdisk_queue *queue, int64_t time)
{
    /* One that rings early is set to the right time then: so it is rarely set. */
    if (!queue->has_alarm || time >= queue->alarm_time)
        return;
    queue->alarm_time = time;
    /* Without a thread for it, it rings at once, which keeps the owner from sleeping, until there is one. */
    if (vd_alarm_set(&queue->alarm, time) < 0)
        ring(&queue->alarm);
}

int vd_expiry_arm(struct vdisk_queue *queue, struct vd_deadline *deadline, uint32_t timeout_ms)
{
    int r = vd_heap_reserve(&queue->deadlines, queue->depth);

    if (r < 0)
        return r;
    deadline->item.time = vd_deadline(timeout_ms);
    vd_heap_add(&queue->deadlines, &deadline->item);
    set_alarm(queue, deadline->item.time);
    return 0;
}

void vd_expiry_alarm_taken(struct vdisk_queue *queue)
{
    queue->alarm_time = VD_NEVER;
    /* Release: from here on the letter can be posted again. */
    atomic_exchange_explicit(&queue->alarm_posted, false, memory_order_acq_rel);
}

struct vd_deadline *vd_expiry_take(struct vdisk_queue *queue)
{
    struct vd_heap_item *item = vd_heap_first(&queue->deadlines);

    if (!item || item->time > vd_now())
        return NULL;
    vd_heap_remove(&queue->deadlines, item);
    return VD_CONTAINER_OF(item, struct vd_deadline, item);
}

void vd_expiry_set_alarm(struct vdisk_queue *queue)
{
    set_alarm(queue, vd_heap_time(&queue->deadlines));
}
