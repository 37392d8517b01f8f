/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds what differs between snapshots. Data is kept in pages of 4 KiB, which stand for what the real librbd knows of
 * the inside of objects. A page that two stores share has not changed between them.
 */
#include <errno.h>
#include <stdlib.h>

#include "fake_internal.h"

#define PAGE 4096u
#define INVALID_MAP (RBD_FLAG_OBJECT_MAP_INVALID | RBD_FLAG_FAST_DIFF_INVALID)

enum state { SAME, DATA, GONE };

typedef int callback_function(uint64_t offset, size_t length, int exists, void *argument);

struct diff {
    const struct fake_image *image;
    /* NULL stands for the image before it had any data. */
    struct fake_store *from;
    struct fake_store *end;
    /* What is the same here does not count. With NULL everything counts. */
    struct fake_store *parent;
    bool whole_object;
    /* The image was this small at a snapshot in between. The object maps do not report data beyond that as gone. */
    uint64_t shrunk_to;
    callback_function *callback;
    void *argument;
    /* This extent is not yet reported. */
    uint64_t offset;
    uint64_t length;
    enum state state;
};

/* Returns what has become of a page. */
static enum state page_state(const struct diff *diff, uint64_t index)
{
    const void *now = fake_store_page(diff->end, index);
    const void *before = diff->from ? fake_store_page(diff->from, index) : NULL;

    if (diff->parent && now == fake_store_page(diff->parent, index))
        return SAME;
    if (now == before)
        return SAME;
    return now ? DATA : GONE;
}

/* Striping. A row has one stripe unit of each object of a set, and a period is the whole set. */

static uint64_t row_size(const struct fake_image *image)
{
    return image->stripe_unit * image->stripe_count;
}

static uint64_t period_of(const struct fake_image *image)
{
    return image->stripe_count << image->order;
}

static bool has_data(const struct diff *diff, uint64_t offset)
{
    return fake_store_page(diff->end, offset / PAGE);
}

/* Returns what has become of the object that holds `offset`, as a whole. */
static enum state object_state(const struct diff *diff, uint64_t offset)
{
    const struct fake_image *image = diff->image;
    uint64_t start = offset - offset % period_of(image);
    uint64_t column = (offset - start) % row_size(image) / image->stripe_unit * image->stripe_unit;
    bool changed = false, exists = false;

    for (uint64_t row = start; row < start + period_of(image); row += row_size(image)) {
        for (uint64_t at = row + column; at < row + column + image->stripe_unit; at += PAGE) {
            changed |= page_state(diff, at / PAGE) != SAME;
            exists |= has_data(diff, at);
        }
    }
    if (changed && !exists && offset >= diff->shrunk_to)
        return SAME;
    return !changed ? SAME : exists ? DATA : GONE;
}

static int tell(struct diff *diff)
{
    uint64_t length = diff->length;
    int r;

    if (length == 0)
        return 0;
    diff->length = 0;
    fake_unlock();
    r = diff->callback(diff->offset, length, diff->state == DATA, diff->argument);
    fake_lock();
    return r;
}

static int note(struct diff *diff, uint64_t offset, uint64_t length, enum state state)
{
    int r = 0;

    if (diff->length > 0 && (state != diff->state || offset != diff->offset + diff->length))
        r = tell(diff);
    if (r < 0 || state == SAME)
        return r;
    if (diff->length == 0)
        diff->offset = offset;
    diff->length += length;
    diff->state = state;
    return 0;
}

/* Returns how much from `at` on, at most to `end`, lies in one page and one stripe unit. */
static uint64_t piece_length(const struct diff *diff, uint64_t at, uint64_t end)
{
    uint64_t unit = diff->image->stripe_unit;
    uint64_t to_unit = unit - at % unit, to_page = diff->whole_object ? to_unit : PAGE - at % PAGE;
    uint64_t length = to_unit < to_page ? to_unit : to_page;

    return length < end - at ? length : end - at;
}

/* Goes over one stripe unit or page. Extents are not joined across periods. */
static int step(struct diff *diff, uint64_t offset, uint64_t length)
{
    int r = offset % period_of(diff->image) == 0 ? tell(diff) : 0;

    if (r < 0)
        return r;
    return note(diff, offset, length,
                diff->whole_object ? object_state(diff, offset) : page_state(diff, offset / PAGE));
}

/*
 * Returns where the diff ends once the callback has failed. When librbd asks each object, it is this far ahead of the
 * callback, and still reports what it has asked.
 */
static uint64_t ahead(const struct diff *diff, uint64_t offset, uint64_t end)
{
    uint64_t more = diff->whole_object ? 0 : 10 * period_of(diff->image);

    return more < end - offset ? offset + more : end;
}

static int iterate(struct diff *diff, uint64_t offset, uint64_t end)
{
    int result = 0, r;

    while (offset < end) {
        uint64_t length = piece_length(diff, offset, end);

        r = step(diff, offset, length);
        offset += length;
        if (r < 0 && result == 0) {
            result = r;
            end = ahead(diff, offset, end);
        }
    }
    if (result < 0 && diff->whole_object)
        return result;
    r = tell(diff);
    return result < 0 ? result : r;
}

static struct fake_store *parent_store(const struct fake_image *image)
{
    const struct fake_image *parent = image->parent;

    return parent ? fake_store_keep(fake_header_find_id(&parent->header, image->parent_snapshot)->store) : NULL;
}

static uint64_t flags_of(struct fake_handle *handle)
{
    return handle->snapshot ? handle->snapshot_flags : fake_handle_header(handle)->flags;
}

static void check_misuse(struct fake_handle *handle, uint64_t length, bool whole_object, callback_function *callback)
{
    if (length == 0 || fake_handle_size(handle) == 0)
        fake_abort("nothing to look at, which fails an assertion of the real one");
    if (whole_object && flags_of(handle) & INVALID_MAP)
        fake_abort("whole objects with an invalid map, after which a thread of librbd's can still use the image");
    if (!callback)
        fake_abort("the callback is NULL");
}

static int find_from(struct fake_store **from, struct fake_handle *handle, const char *name)
{
    const struct fake_snapshot *snapshot = fake_header_find(fake_handle_header(handle), name);

    if (!snapshot)
        return -ENOENT;
    if (handle->snapshot && snapshot->id > handle->snapshot_id)
        return -EINVAL;
    *from = fake_store_keep(snapshot->store);
    return 0;
}

static uint64_t smallest_between(struct fake_handle *handle, const char *from)
{
    const struct fake_header *header = fake_handle_header(handle);
    const struct fake_snapshot *first = fake_header_find(header, from);
    uint64_t smallest = UINT64_MAX;

    for (size_t i = 0; i < header->count; i++) {
        const struct fake_snapshot *snapshot = &header->snapshots[i];
        bool is_between = snapshot->id > first->id && (!handle->snapshot || snapshot->id < handle->snapshot_id);

        if (is_between && snapshot->size < smallest)
            smallest = snapshot->size;
    }
    return smallest;
}

static int run(struct fake_handle *handle, const char *from, uint64_t offset, uint64_t length, bool include_parent,
               struct diff *diff)
{
    uint64_t left;
    int r = fake_handle_is_fixed(handle) ? 0 : fake_engine_flush(handle);

    if (r == 0 && fake_handle_is_fenced(handle))
        r = -ESHUTDOWN;
    if (r == 0 && from)
        r = find_from(&diff->from, handle, from);
    if (r == 0 && offset >= fake_handle_size(handle))
        r = -EINVAL;
    if (r < 0)
        return r;
    left = fake_handle_size(handle) - offset;
    diff->end = fake_store_keep(handle->snapshot ? handle->snapshot : handle->image->store);
    diff->shrunk_to = from ? smallest_between(handle, from) : UINT64_MAX;
    if (!from && !include_parent)
        diff->parent = parent_store(handle->image);
    return iterate(diff, offset, offset + (length < left ? length : left));
}

int rbd_diff_iterate2(rbd_image_t image, const char *from, uint64_t offset, uint64_t length, uint8_t include_parent,
                      uint8_t whole_object, callback_function *callback, void *argument)
{
    int r = fake_enter(FN_rbd_diff_iterate2);
    struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);
    struct diff diff = {
        .image = handle->image, .whole_object = whole_object, .callback = callback, .argument = argument};

    check_misuse(handle, length, whole_object, callback);
    if (r == 0)
        r = run(handle, from, offset, length, include_parent, &diff);
    fake_store_drop(diff.from);
    fake_store_drop(diff.end);
    fake_store_drop(diff.parent);
    return fake_leave(r);
}
