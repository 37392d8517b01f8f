/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening and closing, and what is in the images. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake.h"
#include "story.h"
#include "stream_parts.h"

/* Opening. */

bool open_disk(struct stream *stream, struct disk *disk)
{
    const struct vdisk_option own[] = {
        {"rbd_discard_granularity_bytes", "4096"},
        {"rbd_disable_zero_copy_writes", stream->copies ? "true" : "false"},
    };
    struct vdisk_open_options options;
    unsigned int bits = take(stream);
    int r;

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
    disk->fenced = disk->may_have_lost = stream->fences && options.disks_per_connection != 1;
    r = vdisk_open_uri(&disk->disk, disk->uri, &options, NULL);
    story_add("handle %d: opened %s, timeout %u ms: %d", disk->handle, disk->uri, options.io_timeout_ms, r);
    require(r == 0 || (r == -ESHUTDOWN && disk->fenced && !disk->disk));
    return r == 0;
}

/* Closing. */

bool may_close_fail(const struct stream *stream, const struct disk *disk, int result, bool in_time)
{
    if (result == -ETIMEDOUT)
        return !in_time || stream->may_lose || stream->failures[FLUSH];
    if (disk->may_have_lost && (result == -EIO || result == -ESHUTDOWN))
        return true;
    if (disk->sticky && !disk->may_have_lost)
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
    require(result < 0 || disk->may_have_lost || (!disk->sticky && !disk->lost));
    disk->disk = NULL;
    if (result < 0)
        disk->may_be_unflushed = true;
    if (in_time || result != -ETIMEDOUT)
        history_settle(&disk->history, disk->handle);
    else
        disk->lingers = true;
}

void unplug_all(struct stream *stream)
{
    for (int i = 0; i < QUEUES; i++) {
        for (; stream->queues[i].plugged > 0; stream->queues[i].plugged--)
            require(vdisk_queue_unplug(stream->queues[i].queue) == 0);
        require(vdisk_queue_unplug(stream->queues[i].queue) == -EINVAL);
    }
}

/* All that the disk was asked for, of kinds up to this one, is done, and only to be reaped. */
static void note_ready(struct stream *stream, const struct disk *disk, enum kind last)
{
    unsigned int ready[QUEUES] = {0};

    for (unsigned int i = 0; i < stream->count; i++) {
        const struct request *request = &stream->requests[i];

        if (request->pending && request->disk == disk && request->handle == disk->handle && request->kind <= last)
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
        note_ready(stream, disk, CLOSE);
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

/* Another client. */

static void may_meet_a_fence(struct stream *stream, struct disk *disk)
{
    disk->fenced = disk->may_have_lost = disk->may_be_unflushed = true;
    for (unsigned int i = 0; i < stream->count; i++)
        stream->requests[i].fenced |= stream->requests[i].pending;
}

static void expect_fences(struct stream *stream)
{
    stream->fences = true;
    for (int i = 0; i < DISKS; i++)
        may_meet_a_fence(stream, &stream->disks[i]);
}

void fence(struct stream *stream)
{
    story_add("fence");
    fake_blocklist();
    expect_fences(stream);
}

/* Whether a change may have been, which may not be settled. */
static bool has_given_up(const struct stream *stream, const struct disk *disk)
{
    for (unsigned int i = 0; i < stream->count; i++) {
        const struct request *request = &stream->requests[i];

        if (request->handle == disk->handle && request->change && (request->given_up || request->has_timeout))
            return true;
    }
    return false;
}

static bool may_reopen_fail(const struct stream *stream, const struct disk *disk, int result)
{
    /* A handle that was fenced and closed leaves its lock behind. */
    if (result == -EBUSY)
        return stream->may_lose || stream->fences || disk->lingers || has_given_up(stream, disk) ||
               stream->queues[0].plugged + stream->queues[1].plugged > 0;
    if (result == -ESHUTDOWN)
        return disk->fenced;
    if (result == -EIO)
        return disk->may_have_lost;
    return result == disk->sticky ||
           (stream->failures[FLUSH] &&
            (result == ERROR_FLUSH || result == ERROR_OTHER_FLUSH || (result == ERROR_LOST && stream->may_lose)));
}

/* All that went through the old client is over. */
static void reopened(const struct stream *stream, struct disk *disk)
{
    disk->fenced = disk->lost = false;
    disk->renewed = story_tick();
    /* It has flushed, and what came of it sticks. */
    disk->may_be_unflushed |= stream->failures[FLUSH];
    history_settle(&disk->history, disk->handle);
}

/* A operation on a queue can find the disk while it is reopened. */
static void expect_bar(struct stream *stream, const struct disk *disk)
{
    for (unsigned int i = 0; i < stream->count; i++)
        stream->requests[i].fenced |= stream->requests[i].disk == disk && stream->requests[i].kind > FLUSH;
}

void reopen_disk(struct stream *stream, struct disk *disk)
{
    uint32_t flags = take(stream) % 4 == 0 ? VDISK_REOPEN_FENCE : 0;
    struct vdisk_error err;
    int r;

    if (!disk->disk || disk->closing)
        return;
    /* It waits for what is held. */
    fake_release_all();
    if (take(stream) % 2)
        unplug_all(stream);
    if (flags)
        expect_fences(stream);
    expect_bar(stream, disk);
    r = vdisk_reopen(disk->disk, flags, &err);
    story_add("handle %d: reopened, flags 0x%x: %d %s", disk->handle, flags, r, err.message);
    require(r == 0 || may_reopen_fail(stream, disk, r));
    if (r == 0)
        reopened(stream, disk);
    else
        may_meet_a_fence(stream, disk);
    if (r == 0)
        note_ready(stream, disk, FLUSH);
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
