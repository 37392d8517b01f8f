/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discards as librbd does: in each object it frees only what fills whole granules. */
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

struct layout {
    uint64_t unit;
    uint64_t count;
    uint64_t object_size;
    uint64_t set_size;
};

/* Returns how many of the first `length` bytes of a set of objects are in this object of the set. */
static uint64_t bytes_of_object(const struct layout *layout, uint64_t object, uint64_t length)
{
    uint64_t row = layout->unit * layout->count;
    uint64_t rest = length % row, before = object * layout->unit, own = 0;

    if (rest > before)
        own = rest - before < layout->unit ? rest - before : layout->unit;
    return length / row * layout->unit + own;
}

static void zero_in_object(struct fake_store *store, const struct layout *layout, uint64_t set, uint64_t object,
                           uint64_t begin, uint64_t end)
{
    while (begin < end) {
        uint64_t within = begin % layout->unit;
        uint64_t length = layout->unit - within < end - begin ? layout->unit - within : end - begin;
        uint64_t row = begin / layout->unit * layout->count;

        fake_store_zero(store, set + (row + object) * layout->unit + within, length);
        begin += length;
    }
}

/* Discards a range within the set of objects that begins at `set`. */
static void discard_in_set(struct fake_store *store, const struct layout *layout, uint64_t granularity, uint64_t set,
                           uint64_t begin, uint64_t end)
{
    for (uint64_t object = 0; object < layout->count; object++) {
        uint64_t first = bytes_of_object(layout, object, begin);
        uint64_t last = bytes_of_object(layout, object, end);

        first = (first + granularity - 1) / granularity * granularity;
        last = last / granularity * granularity;
        zero_in_object(store, layout, set, object, first, last);
    }
}

static uint64_t granularity_of(const struct fake_handle *handle, uint64_t object_size)
{
    char value[32];
    uint64_t bytes;

    if (strcmp(fake_handle_option(handle, "rbd_skip_partial_discard", value, sizeof value), "false") == 0)
        return 1;
    bytes = strtoull(fake_handle_option(handle, "rbd_discard_granularity_bytes", value, sizeof value), NULL, 10);
    if (bytes == 0)
        return 1;
    return bytes < object_size ? bytes : object_size;
}

void fake_discard(struct fake_handle *handle, uint64_t offset, uint64_t length)
{
    const struct fake_image *image = handle->image;
    struct layout layout = {image->stripe_unit, image->stripe_count, UINT64_C(1) << image->order, 0};
    uint64_t end = offset + length;

    layout.set_size = layout.object_size * layout.count;
    while (offset < end) {
        uint64_t set = offset / layout.set_size * layout.set_size;
        uint64_t part = set + layout.set_size < end ? set + layout.set_size : end;

        discard_in_set(image->store, &layout, granularity_of(handle, layout.object_size), set, offset - set,
                       part - set);
        offset = part;
    }
}
