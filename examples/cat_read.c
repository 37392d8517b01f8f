/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cat.h"
#include "output.h"
#include "ring.h"
#include "source.h"
#include "tool.h"

struct reading {
    struct ring ring;
    struct source source;
    struct output output;
    struct progress *progress;
    uint64_t start;
    /* What to ask for next. */
    uint64_t offset;
    uint64_t end;
    /* The reader of a pipe has had enough, as `head` does: neither it nor we failed. */
    bool reader_is_gone;
};

static int fail_read(uint64_t offset, int result, struct vdisk_error *err)
{
    return tool_fail(err, result, "The image cannot be read at offset %" PRIu64 ": %s.", offset, strerror(-result));
}

/* What is read beyond the end of an image that somebody made smaller is zeroes, which are not its contents. */
static int check_size(const struct reading *reading, struct vdisk_error *err)
{
    uint64_t size = vdisk_get_size(reading->ring.disk);
    if (size >= reading->end)
        return 0;
    return tool_fail(err, -EIO, "The image was shrunk to %" PRIu64 " bytes while it was read up to %" PRIu64 ".", size,
                     reading->end);
}

static int send_requests(struct reading *reading, struct vdisk_error *err)
{
    struct ring_slot *slot;
    while (reading->offset < reading->end && (slot = ring_next(&reading->ring))) {
        slot->offset = reading->offset;
        slot->length = ring_chunk_at(&reading->ring, reading->offset, reading->end - reading->offset);
        int result = ring_read(&reading->ring);
        if (result < 0)
            return check_size(reading, err) < 0 ? result : fail_read(slot->offset, result, err);
        reading->offset += slot->length;
    }
    return 0;
}

static int await(struct reading *reading, const struct ring_slot *slot, struct vdisk_error *err)
{
    while (!slot->is_complete) {
        int result = ring_reap(&reading->ring, PROGRESS_INTERVAL_MS);
        if (result < 0)
            return fail_read(slot->offset, result, err);
        progress_update(reading->progress, reading->progress->done);
    }
    return slot->result < 0 ? fail_read(slot->offset, slot->result, err) : 0;
}

static int fail_write(struct reading *reading, int result, struct vdisk_error *err)
{
    reading->reader_is_gone = result == -EPIPE;
    return tool_fail(err, result, "Standard output cannot be written: %s.", strerror(-result));
}

/* The other requests stay in flight while the oldest is written out. */
static int copy(struct reading *reading, struct vdisk_error *err)
{
    struct ring_slot *slot;
    int result = send_requests(reading, err);
    while (result == 0 && (slot = ring_oldest(&reading->ring))) {
        result = await(reading, slot, err);
        if (result < 0)
            break;
        result = output_write(&reading->output, slot->data, slot->length);
        if (result < 0)
            return fail_write(reading, result, err);
        progress_update(reading->progress, slot->offset + slot->length - reading->start);
        ring_release(&reading->ring);
        result = send_requests(reading, err);
    }
    return result < 0 ? result : check_size(reading, err);
}

/* Some file systems tell only now that they have no room. */
static int close_output(struct output *output)
{
    int result = output_finish(output);
    return close(output->fd) < 0 && result == 0 ? -errno : result;
}

int cat_read(struct vdisk *disk, const struct cat_range *range, struct progress *progress, struct vdisk_error *err)
{
    struct reading reading = {.progress = progress, .start = range->offset, .offset = range->offset};
    int result = cat_range_end(&reading.end, range, vdisk_get_size(disk), err);
    if (result == 0)
        result = source_start(&reading.source, disk, err);
    if (result == 0)
        result = ring_create(&reading.ring, disk, err);
    if (result < 0)
        return result;

    output_start(&reading.output, STDOUT_FILENO);
    progress_start(progress, reading.end - reading.start);
    result = copy(&reading, err);
    if (result == 0)
        result = source_check(&reading.source, err);
    int closed = close_output(&reading.output);
    if (result == 0 && closed < 0)
        result = fail_write(&reading, closed, err);
    progress_finish(progress);
    ring_destroy(&reading.ring);
    return reading.reader_is_gone ? 0 : result;
}
