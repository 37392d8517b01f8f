/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The time at which a request or an operation expires, as an item in the heap of its queue (expiry.h).
 */
#ifndef VD_DEADLINE_H
#define VD_DEADLINE_H

#include "base/heap.h"

/* Which structure a deadline is embedded in. */
enum vd_deadline_of {
    VD_DEADLINE_REQUEST,
    VD_DEADLINE_OP,
};

struct vd_deadline {
    struct vd_heap_item item;
    enum vd_deadline_of of;
};

#endif
