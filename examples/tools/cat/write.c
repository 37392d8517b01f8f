/* SPDX-License-Identifier: MIT */
#include "cat/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cat/ring.h"
#include "common/descriptor.h"
#include "common/tool.h"

struct writing {
    struct ring ring;
    struct progress *progress;
    uint64_t start;
    /* Where the next bytes of the input go. */
    uint64_t offset;
    uint64_t end;
    /* The image has all input up to this offset. */
    uint64_t written;
    bool at_end_of_input;
};

static int fail_write(uint64_t offset, int result, struct vdisk_error *err)
{
    return tool_fail(err, result, "The image cannot be written at offset %" PRIu64 ": %s", offset, strerror(-result));
}

static int fail_input(int result, struct vdisk_error *err)
{
    return tool_fail(err, result, "Standard input cannot be read: %s", strerror(-result));
}

/* Waits for the oldest write and releases its slot. */
static int finish_oldest(struct writing *writing, struct vdisk_error *err)
{
    const struct ring_slot *slot = ring_oldest(&writing->ring);
    int result = ring_wait_oldest(&writing->ring, writing->progress);
    if (result < 0)
        return fail_write(slot->offset, result, err);
    writing->written = slot->offset + slot->length;
    ring_release(&writing->ring);
    progress_update(writing->progress, writing->written - writing->start);
    return 0;
}

/* Releases the slots that are complete, so that a failure soon ends the copy. Waits if no slot is free. */
static int make_room(struct writing *writing, struct vdisk_error *err)
{
    int result = ring_reap(&writing->ring, 0);
    struct ring_slot *oldest;
    if (result < 0)
        return fail_write(writing->written, result, err);
    while (result == 0 && (oldest = ring_oldest(&writing->ring))) {
        if (!oldest->is_complete && ring_next(&writing->ring))
            break;
        result = finish_oldest(writing, err);
    }
    return result;
}

static int write_chunk(struct writing *writing, struct vdisk_error *err)
{
    struct ring_slot *slot = ring_next(&writing->ring);
    size_t room = ring_chunk_at(&writing->ring, writing->offset, writing->end - writing->offset);
    ssize_t got = descriptor_read(STDIN_FILENO, slot->data, room);
    if (got < 0)
        return fail_input((int)got, err);
    writing->at_end_of_input = (size_t)got < room;
    if (got == 0)
        return 0;
    slot->offset = writing->offset;
    slot->length = (size_t)got;
    int result = ring_write(&writing->ring);
    if (result < 0)
        return fail_write(slot->offset, result, err);
    writing->offset += slot->length;
    return 0;
}

/* Waits for all writes in flight, even after a failure, because the message says how much was written. */
static int finish_all(struct writing *writing, int result, struct vdisk_error *err)
{
    int finished = 0;
    while (finished == 0 && ring_oldest(&writing->ring))
        finished = finish_oldest(writing, result < 0 ? NULL : err);
    return result < 0 ? result : finished;
}

static int copy(struct writing *writing, struct vdisk_error *err)
{
    int result = 0;
    while (result == 0 && writing->offset < writing->end && !writing->at_end_of_input) {
        result = make_room(writing, err);
        if (result == 0)
            result = write_chunk(writing, err);
    }
    return finish_all(writing, result, err);
}

/* Tries to read one byte more than the image has room for. */
static int check_end_of_input(struct writing *writing, struct vdisk_error *err)
{
    char byte;
    if (writing->at_end_of_input)
        return 0;
    ssize_t got = descriptor_read(STDIN_FILENO, &byte, 1);
    if (got < 0)
        return fail_input((int)got, err);
    return got == 0 ? 0 : tool_fail(err, -ENOSPC, "The input is longer than the image, which is full");
}

/* Flushes the disk. After a failure, completes its message with how much of the input the image has. */
static int finish(struct writing *writing, int result, struct vdisk_error *err)
{
    if (result == 0)
        return vdisk_flush(writing->ring.disk, err);
    struct vdisk_error reason = *err;
    if (vdisk_flush(writing->ring.disk, NULL) < 0)
        return tool_fail(err, result, "%.400s; the data written before cannot be flushed and may be lost.",
                         reason.message);
    return tool_fail(err, result, "%.400s; %" PRIu64 " bytes of the input were written, from offset %" PRIu64 " on.",
                     reason.message, writing->written - writing->start, writing->start);
}

/* Sets *total to the length of the input, or to PROGRESS_UNKNOWN. Refuses input that does not fit. */
static int check_input(uint64_t *total, const struct writing *writing, bool has_length, struct vdisk_error *err)
{
    uint64_t room = writing->end - writing->start;
    if (!descriptor_remaining(total, STDIN_FILENO)) {
        *total = has_length ? room : PROGRESS_UNKNOWN;
        return 0;
    }
    if (*total <= room)
        return 0;
    if (!has_length)
        return tool_fail(err, -ENOSPC,
                         "The input of %" PRIu64 " bytes does not fit into the %" PRIu64
                         " bytes of the image from offset %" PRIu64 " on; nothing was written.",
                         *total, room, writing->start);
    *total = room;
    return 0;
}

int cat_write(struct vdisk *disk, const struct range *range, struct progress *progress, struct vdisk_error *err)
{
    struct writing writing = {.progress = progress, .start = range->offset, .offset = range->offset};
    uint64_t total = 0;
    writing.written = range->offset;
    int result = range_end(&writing.end, range, vdisk_get_size(disk), err);
    if (result == 0)
        result = check_input(&total, &writing, range->has_length, err);
    if (result == 0)
        result = ring_init(&writing.ring, disk, err);
    if (result < 0)
        return result;

    descriptor_widen_pipe(STDIN_FILENO);
    progress_start(progress, total);
    result = copy(&writing, err);
    if (result == 0 && !range->has_length)
        result = check_end_of_input(&writing, err);
    result = finish(&writing, result, err);
    progress_finish(progress);
    ring_destroy(&writing.ring);
    return result;
}
