/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The deadlines of a queue's requests and operations. During the queue's calls, the queue's thread looks at them
 * itself. For the time between calls, while an event loop polls the descriptor, it sets an alarm to the earliest
 * deadline or an earlier time. The alarm posts an entry to the queue's mailbox, which makes the descriptor readable.
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
    /* Where the alarm posts its entry. */
    struct vd_mailbox *mailbox;
    bool has_alarm;
    struct vd_alarm alarm;
    /* What the alarm is set to; VD_NEVER: it is not set. */
    int64_t alarm_time;
    struct vd_entry alarm_entry;
    /* The alarm's entry is in the mailbox. */
    atomic_bool alarm_posted;
};

/*
 * Initializes a zeroed structure for up to `depth` deadlines. `polled`: the queue has a descriptor to poll, and so
 * needs an alarm. Returns 0 or -ENOMEM.
 */
int vd_expiry_init(struct vd_expiry *expiry, struct vd_mailbox *mailbox, unsigned int depth, bool polled);

/* Destroys it; no deadlines may be left. The alarm does not ring after this, but its entry may be in the mailbox. */
void vd_expiry_destroy(struct vd_expiry *expiry);

/* Whether anything has a deadline. */
static inline bool vd_expiry_any(const struct vd_expiry *expiry)
{
    return expiry->deadlines.count > 0;
}

/*
 * Sets a deadline `timeout_ms` from now. Returns 0 or -ENOMEM. Called before the request or operation starts, which can
 * then still be refused.
 */
int vd_expiry_arm(struct vd_expiry *expiry, struct vd_deadline *deadline, uint32_t timeout_ms);

/* Removes a deadline, if it is set. */
static inline void vd_expiry_disarm(struct vd_expiry *expiry, struct vd_deadline *deadline)
{
    if (deadline->item.index > 0)
        vd_heap_remove(&expiry->deadlines, &deadline->item);
}

/* Notes that the alarm's entry was taken from the mailbox. */
void vd_expiry_alarm_taken(struct vd_expiry *expiry);

/* Removes and returns the earliest deadline, if it has passed; otherwise NULL. */
struct vd_deadline *vd_expiry_take(struct vd_expiry *expiry);

/* Sets the alarm to the next deadline. The queue's thread calls this at the end of each call that reaps. */
void vd_expiry_set_alarm(struct vd_expiry *expiry);

/* The same; returns quickly in the common case that nothing has a deadline. */
static inline void vd_expiry_call_back(struct vd_expiry *expiry)
{
    if (vd_expiry_any(expiry))
        vd_expiry_set_alarm(expiry);
}

#endif
