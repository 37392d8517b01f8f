/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When a queue stops waiting for something, in a heap of the queue's.
 */
#ifndef VD_DEADLINE_H
#define VD_DEADLINE_H

#include "base/heap.h"

enum vd_deadline_of {
    VD_DEADLINE_REQUEST,
    VD_DEADLINE_OP,
};

/* Embedded in what is waited for. */
struct vd_deadline {
    struct vd_heap_item item;
    enum vd_deadline_of of;
};

#endif
