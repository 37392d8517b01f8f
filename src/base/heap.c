/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

int vd_heap_reserve(struct vd_heap *heap, size_t room)
{
    struct vd_heap_item **items;

    if (room <= heap->room)
        return 0;
    items = realloc(heap->items, room * sizeof(struct vd_heap_item *));
    if (!items)
        return -ENOMEM;
    heap->items = items;
    heap->room = room;
    return 0;
}

void vd_heap_destroy(struct vd_heap *heap)
{
    assert(heap->count == 0);
    free(heap->items);
    *heap = (struct vd_heap){0};
}

static void put(struct vd_heap *heap, size_t index, struct vd_heap_item *item)
{
    heap->items[index - 1] = item;
    item->index = index;
}

static void rise(struct vd_heap *heap, struct vd_heap_item *item, size_t index)
{
    while (index > 1 && item->time < heap->items[index / 2 - 1]->time) {
        put(heap, index, heap->items[index / 2 - 1]);
        index /= 2;
    }
    put(heap, index, item);
}

static void sink(struct vd_heap *heap, struct vd_heap_item *item, size_t index)
{
    for (;;) {
        size_t child = 2 * index;

        if (child < heap->count && heap->items[child]->time < heap->items[child - 1]->time)
            child++;
        if (child > heap->count || item->time <= heap->items[child - 1]->time)
            break;
        put(heap, index, heap->items[child - 1]);
        index = child;
    }
    put(heap, index, item);
}

void vd_heap_add(struct vd_heap *heap, struct vd_heap_item *item)
{
    assert(item->index == 0 && heap->count < heap->room);
    heap->count++;
    rise(heap, item, heap->count);
}

void vd_heap_remove(struct vd_heap *heap, struct vd_heap_item *item)
{
    size_t index = item->index;
    struct vd_heap_item *last;

    if (index == 0)
        return;
    assert(heap->items[index - 1] == item);
    item->index = 0;
    last = heap->items[--heap->count];
    if (last == item)
        return;
    if (index > 1 && last->time < heap->items[index / 2 - 1]->time)
        rise(heap, last, index);
    else
        sink(heap, last, index);
}

struct vd_heap_item *vd_heap_first(const struct vd_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

int64_t vd_heap_time(const struct vd_heap *heap)
{
    return heap->count > 0 ? heap->items[0]->time : VD_NEVER;
}
