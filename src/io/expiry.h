/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The deadlines of what is in a queue. The owner looks at them while it is in the queue; for the time that it polls, an
 * alarm is set to the earliest deadline, or to an earlier time, and posts an entry of its own to the mailbox.
 */
#ifndef VD_EXPIRY_H
#define VD_EXPIRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/heap.h"
#include "io/deadline.h"
#include "thread/alarm.h"
#include "thread/entry.h"

struct vd_expiry {
    struct vd_heap deadlines;
    /* How many deadlines there can be. */
    unsigned int depth;
    /* Where the alarm posts to. */
    struct vd_mailbox *mailbox;
    bool has_alarm;
    struct vd_alarm alarm;
    int64_t alarm_time;
    struct vd_entry alarm_entry;
    atomic_bool alarm_posted;
};

/*
 * Initializes a zeroed structure for up to `depth` deadlines. `polled`: the owner may be elsewhere when a deadline
 * comes. Returns 0 or -ENOMEM.
 */
int vd_expiry_init(struct vd_expiry *expiry, struct vd_mailbox *mailbox, unsigned int depth, bool polled);

/* Nothing may have a deadline any more. The mailbox may hold a last entry of the alarm's. */
void vd_expiry_destroy(struct vd_expiry *expiry);

/* Whether there are deadlines. */
static inline bool vd_expiry_any(const struct vd_expiry *expiry)
{
    return expiry->deadlines.count > 0;
}

/*
 * Sets a deadline in so many milliseconds. Returns 0 or -ENOMEM. To be called before what it is of is started, so that
 * it can be refused.
 */
int vd_expiry_arm(struct vd_expiry *expiry, struct vd_deadline *deadline, uint32_t timeout_ms);
static inline void vd_expiry_disarm(struct vd_expiry *expiry, struct vd_deadline *deadline)
{
    if (deadline->item.index > 0)
        vd_heap_remove(&expiry->deadlines, &deadline->item);
}

/* The alarm's entry was taken from the mailbox. */
void vd_expiry_alarm_taken(struct vd_expiry *expiry);

/* Takes the earliest deadline that has passed; NULL: there is none. */
struct vd_deadline *vd_expiry_take(struct vd_expiry *expiry);

/* The owner turns to something else: has it called back in time for the next deadline. */
void vd_expiry_set_alarm(struct vd_expiry *expiry);
static inline void vd_expiry_call_back(struct vd_expiry *expiry)
{
    if (vd_expiry_any(expiry))
        vd_expiry_set_alarm(expiry);
}

#endif
