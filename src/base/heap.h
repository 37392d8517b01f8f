/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A binary heap of points in time (clock.h). Finding the earliest takes constant time.
 */
#ifndef VD_HEAP_H
#define VD_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Embedded in the structure that the time belongs to. */
struct vd_heap_item {
    int64_t time;
    /* The item's place in the heap, counted from 1. 0: it is in no heap. */
    size_t index;
};

/* All zero is an empty heap with no room. */
struct vd_heap {
    struct vd_heap_item **items;
    size_t count;
    size_t room;
};

/* Makes room for `room` items in total. Returns 0 or -ENOMEM. */
int vd_heap_reserve(struct vd_heap *heap, size_t room);

/* Frees an empty heap. */
void vd_heap_destroy(struct vd_heap *heap);

/* Adds an item that is in no heap. The heap must have room. Takes O(log n), as vd_heap_remove does. */
void vd_heap_add(struct vd_heap *heap, struct vd_heap_item *item);

/* Removes an item. Does nothing for an item that is in no heap. */
void vd_heap_remove(struct vd_heap *heap, struct vd_heap_item *item);

/* Returns the earliest item, or NULL when the heap is empty. */
struct vd_heap_item *vd_heap_first(const struct vd_heap *heap);

/* Returns the earliest time, or VD_NEVER when the heap is empty. */
int64_t vd_heap_time(const struct vd_heap *heap);

#endif
