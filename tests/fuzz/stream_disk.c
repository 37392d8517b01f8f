/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening and closing, and what is in the images. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"
#include "story.h"
#include "stream_parts.h"

/* Opening. */

void open_disk(struct stream *stream, struct disk *disk)
{
    const struct vdisk_option own[] = {
        {"rbd_discard_granularity_bytes", "4096"},
        {"rbd_disable_zero_copy_writes", stream->copies ? "true" : "false"},
    };
    struct vdisk_open_options options;
    unsigned int bits = take(stream);

    vdisk_open_options_init(&options, sizeof options);
    options.options = own;
    options.option_count = sizeof own / sizeof *own;
    options.disks_per_connection = bits % 2;
    options.io_timeout_ms = bits / 2 % 5 == 1 ? 1 + bits / 16 % 4 : 0;
    disk->handle = ++stream->handles;
    disk->has_timeout = options.io_timeout_ms > 0;
    disk->closing = disk->lost = false;
    disk->sticky = 0;
    disk->acknowledged = 0;
    require(vdisk_open_uri(&disk->disk, disk->uri, &options, NULL) == 0);
    story_add("handle %d: opened %s, timeout %u ms", disk->handle, disk->uri, options.io_timeout_ms);
}

/* Closing. */

bool may_close_fail(const struct stream *stream, const struct disk *disk, int result, bool in_time)
{
    if (result == -ETIMEDOUT)
        return !in_time || stream->may_lose || stream->failures[FLUSH];
    if (disk->sticky)
        return result == disk->sticky;
    return stream->failures[FLUSH] && (result == ERROR_FLUSH || result == ERROR_OTHER_FLUSH);
}

void closed(struct stream *stream, struct disk *disk, int handle, int result, bool in_time)
{
    (void)stream;
    require(disk->handle == handle);
    disk->closing = false;
    if (result == -ECANCELED)
        return;
    require(result < 0 || (!disk->sticky && !disk->lost));
    disk->disk = NULL;
    if (result < 0)
        disk->may_be_unflushed = true;
    if (in_time || result != -ETIMEDOUT)
        history_settle(&disk->history, disk->handle);
}

void unplug_all(struct stream *stream)
{
    for (int i = 0; i < QUEUES; i++) {
        for (; stream->queues[i].plugged > 0; stream->queues[i].plugged--)
            require(vdisk_queue_unplug(stream->queues[i].queue) == 0);
        require(vdisk_queue_unplug(stream->queues[i].queue) == -EINVAL);
    }
}

/* All that the disk was asked for is done, and only to be reaped. */
static void note_ready(struct stream *stream, const struct disk *disk)
{
    unsigned int ready[QUEUES] = {0};

    for (unsigned int i = 0; i < stream->count; i++) {
        const struct request *request = &stream->requests[i];

        if (request->pending && request->disk == disk && request->handle == disk->handle)
            ready[request->queue]++;
    }
    for (int i = 0; i < QUEUES; i++) {
        if (stream->queues[i].ready < ready[i])
            stream->queues[i].ready = ready[i];
        check_queue(&stream->queues[i]);
    }
}

/* Plugged requests may keep it from being closed. */
static int call_close(struct stream *stream, const struct disk *disk, int timeout_ms)
{
    int r = vdisk_close_within(disk->disk, timeout_ms, NULL);

    if (r != -EBUSY)
        return r;
    require(stream->queues[0].plugged + stream->queues[1].plugged > 0);
    unplug_all(stream);
    return vdisk_close_within(disk->disk, timeout_ms, NULL);
}

static void close_by(struct stream *stream, struct disk *disk, int timeout_ms)
{
    bool in_time = timeout_ms == -1;
    int r;

    if (!disk->disk || disk->closing)
        return;
    r = call_close(stream, disk, timeout_ms);
    story_add("handle %d: closed within %d ms: %d", disk->handle, timeout_ms, r);
    require(r == 0 || may_close_fail(stream, disk, r, in_time));
    closed(stream, disk, disk->handle, r, in_time);
    if (in_time || r != -ETIMEDOUT)
        note_ready(stream, disk);
}

void close_disk(struct stream *stream, struct disk *disk)
{
    /* It waits for what is held. */
    fake_release_all();
    close_by(stream, disk, -1);
}

void close_within(struct stream *stream, struct disk *disk)
{
    close_by(stream, disk, (int)below(stream, 3));
}

/* Looking. */

static void look_at(struct disk *disk, const char *snapshot, size_t first, size_t cells, uint64_t from)
{
    unsigned char *bytes = malloc(cells * CELL);
    const struct look look = {ANY_HANDLE, from};

    require(bytes);
    fake_image_read("p", "", disk->image, snapshot, first * CELL, bytes, cells * CELL);
    check_look(disk, bytes, first, cells, &look);
    free(bytes);
}

void peek(struct disk *disk, size_t first, size_t cells)
{
    look_at(disk, NULL, first, cells, story_tick());
}

void check_snapshot(struct disk *disk, const struct request *request)
{
    char name[32];

    snprintf(name, sizeof name, "s%u", request->number);
    look_at(disk, name, request->first, request->cells, request->from);
}
