/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls a function at a point in time, for an event loop that polls a descriptor and nothing else. All alarms of the
 * process share one thread, which exists only while an alarm is set.
 */
#ifndef VD_ALARM_H
#define VD_ALARM_H

#include <stdint.h>

#include "base/heap.h"

/* Embedded in the structure that needs it. */
struct vd_alarm {
    struct vd_heap_item item;
    /* Called on the alarms' thread when the time has come. It must not block, or call a function of this file. */
    void (*ring)(struct vd_alarm *alarm);
};

/* Initializes an alarm that is not set, and reserves the memory that setting it needs. Returns 0 or -ENOMEM. */
int vd_alarm_init(struct vd_alarm *alarm, void (*ring)(struct vd_alarm *alarm));

/* Unsets the alarm, and waits while `ring` runs. The caller may free the alarm after this. */
void vd_alarm_destroy(struct vd_alarm *alarm);

/*
 * Sets the alarm to `time` (clock.h), which replaces an earlier setting. Returns 0, or -EAGAIN if the thread cannot be
 * started; the alarm is then not set.
 */
int vd_alarm_set(struct vd_alarm *alarm, int64_t time);

#endif
