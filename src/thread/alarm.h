/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings at a point in time, for an event loop that polls a descriptor and nothing else. All alarms of the process share
 * one thread, which exists only while one is set.
 */
#ifndef VD_ALARM_H
#define VD_ALARM_H

#include <stdint.h>

#include "base/heap.h"

/* Embedded in what it is for. */
struct vd_alarm {
    struct vd_heap_item item;
    /* On the alarms' thread, once for each time it is set; must not block, nor call anything of this file. */
    void (*ring)(struct vd_alarm *alarm);
};

/* Reserves what setting it needs. Returns 0 or -ENOMEM. */
int vd_alarm_init(struct vd_alarm *alarm, void (*ring)(struct vd_alarm *alarm));

/* Not set, and not ringing, any more: after this it can be freed. */
void vd_alarm_destroy(struct vd_alarm *alarm);

/* Sets it to `time` (clock.h), instead of what it was set to. -EAGAIN: no thread can be started, it is not set. */
int vd_alarm_set(struct vd_alarm *alarm, int64_t time);

#endif
