/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Points in time (clock.h), of which the earliest is always at hand.
 */
#ifndef VD_HEAP_H
#define VD_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in what the time is about. */
struct vd_heap_item {
    int64_t time;
    /* Its place in the heap, from 1 on; 0: in none. */
    size_t index;
};

/* Zero is an empty heap with no room. */
struct vd_heap {
    struct vd_heap_item **items;
    size_t count;
    size_t room;
};

/* Makes room for `room` items altogether. Returns 0 or -ENOMEM. */
int vd_heap_reserve(struct vd_heap *heap, size_t room);

void vd_heap_destroy(struct vd_heap *heap);

/* Adds an item that is in no heap; there must be room. O(log n), as the next. */
void vd_heap_add(struct vd_heap *heap, struct vd_heap_item *item);

/* Removes an item; one that is in no heap is fine. */
void vd_heap_remove(struct vd_heap *heap, struct vd_heap_item *item);

/* The earliest item, or NULL. */
struct vd_heap_item *vd_heap_first(const struct vd_heap *heap);

/* The earliest time, or VD_NEVER. */
int64_t vd_heap_time(const struct vd_heap *heap);

#endif
