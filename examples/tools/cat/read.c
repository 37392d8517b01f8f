/* SPDX-License-Identifier: MIT */
#include "cat/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cat/output.h"
#include "cat/ring.h"
#include "cat/source.h"
#include "common/extent_reader.h"
#include "common/tool.h"

/* A hole is copied in parts of this size, so that the progress bar moves. */
enum { HOLE_MAX = 64 << 20 };

struct reading {
    struct ring ring;
    struct extent_reader extents;
    /* The extent that contains `offset`. */
    const struct vdisk_extent *extent;
    struct source source;
    struct output output;
    struct progress *progress;
    uint64_t start;
    /* Where the next request starts. */
    uint64_t offset;
    uint64_t end;
    /* The reader of a pipe has closed it, as `head` does. That is not a failure. */
    bool reader_is_gone;
};

static int fail_read(uint64_t offset, int result, struct vdisk_error *err)
{
    return tool_fail(err, result, "The image cannot be read at offset %" PRIu64 ": %s.", offset, strerror(-result));
}

/* If somebody shrinks the image, reads beyond its new end return zeroes, which were never its contents. */
static int check_size(const struct reading *reading, struct vdisk_error *err)
{
    uint64_t size = vdisk_get_size(reading->ring.disk);
    if (size >= reading->end)
        return 0;
    return tool_fail(err, -EIO, "The image was shrunk to %" PRIu64 " bytes while it was read up to %" PRIu64 ".", size,
                     reading->end);
}

/* Moves on to the extent that contains the offset. Returns 0 or a negative errno. */
static int find_extent(struct reading *reading, struct vdisk_error *err)
{
    const struct vdisk_extent *extent = reading->extent;
    if (extent && reading->offset - extent->offset < extent->length)
        return 0;
    int result = extent_reader_next(&reading->extent, &reading->extents, err);
    if (result == 0 && !reading->extent)
        result = tool_fail(err, -EIO, "The map of the image ends too early, at offset %" PRIu64 ".", reading->offset);
    return result;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Requests the next part of the image, or skips it if it is a hole. */
static int send_request(struct reading *reading, struct ring_slot *slot, struct vdisk_error *err)
{
    int result = find_extent(reading, err);
    if (result < 0)
        return check_size(reading, err) < 0 ? -EIO : result;
    uint64_t left = reading->extent->offset + reading->extent->length - reading->offset;
    slot->offset = reading->offset;
    if (reading->extent->flags & VDISK_EXTENT_ZERO) {
        slot->length = smaller(left, HOLE_MAX);
        ring_skip(&reading->ring);
    } else {
        slot->length = ring_chunk_at(&reading->ring, reading->offset, left);
        result = ring_read(&reading->ring);
    }
    if (result < 0)
        return check_size(reading, err) < 0 ? result : fail_read(slot->offset, result, err);
    reading->offset += slot->length;
    return 0;
}

static int send_requests(struct reading *reading, struct vdisk_error *err)
{
    struct ring_slot *slot;
    int result = 0;
    while (result == 0 && reading->offset < reading->end && (slot = ring_next(&reading->ring)))
        result = send_request(reading, slot, err);
    return result;
}

static int fail_write(struct reading *reading, int result, struct vdisk_error *err)
{
    reading->reader_is_gone = result == -EPIPE;
    return tool_fail(err, result, "Standard output cannot be written: %s.", strerror(-result));
}

static int write_slot(struct reading *reading, const struct ring_slot *slot)
{
    if (slot->is_hole)
        return output_write_zeroes(&reading->output, slot->length);
    return output_write(&reading->output, slot->data, (size_t)slot->length);
}

/* Writes out the data in order. While the oldest slot is written out, the other requests stay in flight. */
static int copy(struct reading *reading, struct vdisk_error *err)
{
    struct ring_slot *slot;
    int result = send_requests(reading, err);
    while (result == 0 && (slot = ring_oldest(&reading->ring))) {
        result = ring_wait_oldest(&reading->ring, reading->progress);
        if (result < 0)
            return fail_read(slot->offset, result, err);
        result = write_slot(reading, slot);
        if (result < 0)
            return fail_write(reading, result, err);
        progress_update(reading->progress, slot->offset + slot->length - reading->start);
        ring_release(&reading->ring);
        result = send_requests(reading, err);
    }
    return result < 0 ? result : check_size(reading, err);
}

/* Some file systems report only at the close that they have no room. */
static int close_output(struct output *output)
{
    int result = output_finish(output);
    return close(output->fd) < 0 && result == 0 ? -errno : result;
}

int cat_read(struct vdisk *disk, const struct range *range, struct progress *progress, struct vdisk_error *err)
{
    struct reading reading = {.progress = progress, .start = range->offset, .offset = range->offset};
    int result = range_end(&reading.end, range, vdisk_get_size(disk), err);
    if (result == 0)
        result = source_init(&reading.source, disk, err);
    if (result == 0)
        result = ring_init(&reading.ring, disk, err);
    if (result < 0)
        return result;

    extent_reader_init(&reading.extents, disk);
    reading.extents.flags = VDISK_EXTENTS_PARENT;
    reading.extents.next = reading.start;
    reading.extents.end = reading.end;
    output_init(&reading.output, STDOUT_FILENO);
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
