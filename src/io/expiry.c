/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/expiry.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/container.h"

/* On the alarm thread, or on the queue's thread if there is no alarm thread. */
static void alarm_rang(struct vd_alarm *alarm)
{
    struct vd_expiry *expiry = VD_CONTAINER_OF(alarm, struct vd_expiry, alarm);

    /*
     * The alarm can be set and ring again before its entry is taken, and is then posted only once. Acquire: pairs with
     * the release in vd_expiry_alarm_taken; the queue's thread no longer uses the entry.
     */
    if (!atomic_exchange_explicit(&expiry->alarm_posted, true, memory_order_acq_rel))
        vd_mailbox_post_urgent(expiry->mailbox, &expiry->alarm_entry.node);
}

int vd_expiry_init(struct vd_expiry *expiry, struct vd_mailbox *mailbox, unsigned int depth, bool polled)
{
    expiry->mailbox = mailbox;
    expiry->depth = depth;
    expiry->alarm_time = VD_NEVER;
    expiry->alarm_entry.kind = VD_ENTRY_ALARM;
    expiry->has_alarm = polled;
    return polled ? vd_alarm_init(&expiry->alarm, alarm_rang) : 0;
}

void vd_expiry_destroy(struct vd_expiry *expiry)
{
    if (expiry->has_alarm)
        vd_alarm_destroy(&expiry->alarm);
    vd_heap_destroy(&expiry->deadlines);
}

static void set_alarm(struct vd_expiry *expiry, int64_t time)
{
    /* An alarm that is set to an earlier time stays, and is set to the right one when it rings. So it is rarely set. */
    if (!expiry->has_alarm || time >= expiry->alarm_time)
        return;
    expiry->alarm_time = time;
    /*
     * If no alarm thread can be started, the alarm rings at once. The queue's descriptor is then readable again and
     * again, so that an event loop looks at the deadlines by polling, until a thread can be started.
     */
    if (vd_alarm_set(&expiry->alarm, time) < 0)
        alarm_rang(&expiry->alarm);
}

int vd_expiry_arm(struct vd_expiry *expiry, struct vd_deadline *deadline, uint32_t timeout_ms)
{
    int r = vd_heap_reserve(&expiry->deadlines, expiry->depth);

    if (r < 0)
        return r;
    deadline->item.time = vd_time_after_ms(timeout_ms);
    vd_heap_add(&expiry->deadlines, &deadline->item);
    set_alarm(expiry, deadline->item.time);
    return 0;
}

void vd_expiry_alarm_taken(struct vd_expiry *expiry)
{
    expiry->alarm_time = VD_NEVER;
    /* Release: pairs with the acquire in alarm_rang, which can post the entry again from here on. */
    atomic_exchange_explicit(&expiry->alarm_posted, false, memory_order_acq_rel);
}

struct vd_deadline *vd_expiry_take(struct vd_expiry *expiry)
{
    struct vd_heap_item *item = vd_heap_first(&expiry->deadlines);

    if (!item || item->time > vd_now())
        return NULL;
    vd_heap_remove(&expiry->deadlines, item);
    return VD_CONTAINER_OF(item, struct vd_deadline, item);
}

void vd_expiry_set_alarm(struct vd_expiry *expiry)
{
    set_alarm(expiry, vd_heap_time(&expiry->deadlines));
}
