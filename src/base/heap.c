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

void vd_heap_free(struct vd_heap *heap)
{
    assert(heap->count == 0);
    free(heap->items);
    *heap = (struct vd_heap){0};
}

static void put(struct vd_heap *heap, size_t place, struct vd_heap_item *item)
{
    heap->items[place - 1] = item;
    item->place = place;
}

static void rise(struct vd_heap *heap, struct vd_heap_item *item, size_t place)
{
    while (place > 1 && item->time < heap->items[place / 2 - 1]->time) {
        put(heap, place, heap->items[place / 2 - 1]);
        place /= 2;
    }
    put(heap, place, item);
}

static void sink(struct vd_heap *heap, struct vd_heap_item *item, size_t place)
{
    for (;;) {
        size_t child = 2 * place;

        if (child < heap->count && heap->items[child]->time < heap->items[child - 1]->time)
            child++;
        if (child > heap->count || item->time <= heap->items[child - 1]->time)
            break;
        put(heap, place, heap->items[child - 1]);
        place = child;
    }
    put(heap, place, item);
}

void vd_heap_add(struct vd_heap *heap, struct vd_heap_item *item)
{
    assert(item->place == 0 && heap->count < heap->room);
    heap->count++;
    rise(heap, item, heap->count);
}

void vd_heap_remove(struct vd_heap *heap, struct vd_heap_item *item)
{
    size_t place = item->place;
    struct vd_heap_item *last;

    if (place == 0)
        return;
    assert(heap->items[place - 1] == item);
    item->place = 0;
    last = heap->items[--heap->count];
    if (last == item)
        return;
    if (place > 1 && last->time < heap->items[place / 2 - 1]->time)
        rise(heap, last, place);
    else
        sink(heap, last, place);
}

struct vd_heap_item *vd_heap_first(const struct vd_heap *heap)
{
    return heap->count > 0 ? heap->items[0] : NULL;
}

int64_t vd_heap_time(const struct vd_heap *heap)
{
    return heap->count > 0 ? heap->items[0]->time : VD_NEVER;
}
