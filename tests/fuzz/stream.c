/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"
#include "story.h"
#include "stream_parts.h"

unsigned int take(struct stream *stream)
{
    if (stream->left == 0)
        return 0;
    stream->left--;
    return *stream->data++;
}

size_t below(struct stream *stream, size_t limit)
{
    size_t number = take(stream);

    if (limit > 256)
        number = number << 8 | take(stream);
    return number % limit;
}

static void nap_for(long nanoseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

/* Queues. */

static void make_queue(struct stream *stream, struct queue *queue)
{
    static const uint32_t depths[] = {64, 64, 16, 4};
    struct vdisk_queue_options options;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = depths[below(stream, 4)];
    *queue = (struct queue){.depth = options.depth};
    require(vdisk_queue_create(&queue->queue, &options, NULL) == 0);
}

static struct queue *some_queue(struct stream *stream)
{
    return &stream->queues[take(stream) % 4 == 0];
}

static int index_of(const struct stream *stream, const struct queue *queue)
{
    return (int)(queue - stream->queues);
}

static void replace_queue(struct stream *stream)
{
    struct queue *queue = some_queue(stream);
    int r = vdisk_queue_destroy(queue->queue);

    story_add("destroy queue %d: %d", index_of(stream, queue), r);
    require(r == (queue->in_flight > 0 ? -EBUSY : 0));
    if (r == 0)
        make_queue(stream, queue);
}

static void plug(struct stream *stream)
{
    struct queue *queue = some_queue(stream);

    story_add("plug queue %d", index_of(stream, queue));
    require(vdisk_queue_plug(queue->queue) == 0);
    queue->plugged++;
}

static void unplug(struct stream *stream)
{
    struct queue *queue = some_queue(stream);

    story_add("unplug queue %d", index_of(stream, queue));
    require(vdisk_queue_unplug(queue->queue) == (queue->plugged > 0 ? 0 : -EINVAL));
    queue->plugged -= queue->plugged > 0;
}

/* Some side by side. */
static void burst(struct stream *stream)
{
    struct queue *queue = &stream->queues[0];
    enum kind kind = take(stream) % 4 ? WRITE : READ;

    story_add("plug queue 0");
    require(vdisk_queue_plug(queue->queue) == 0);
    queue->plugged++;
    for (size_t i = 1 + below(stream, 6); i > 0; i--)
        submit_something(stream, kind);
}

/* Giving up. */

static bool can_be_busy(const struct request *request)
{
    return request->kind > FLUSH || request->flags & VDISK_IO_ZERO_COPY;
}

static void given_up(struct stream *stream, struct request *request)
{
    require(request->pending && !request->given_up);
    request->given_up = true;
    stream->queues[request->queue].ready++;
    if (request->change)
        history_give_up(request->change);
}

static void cancel(struct stream *stream, struct request *request)
{
    struct queue *queue = &stream->queues[request->queue];
    int r = vdisk_queue_cancel(queue->queue, request);

    story_add("%u: cancel: %d", request->number, r);
    require(r == 1 || r == -ENOENT || (r == -EBUSY && request->pending && can_be_busy(request)));
    if (r == 1)
        given_up(stream, request);
    check_queue(queue);
}

static void cancel_some(struct stream *stream)
{
    unsigned int back = 1 + (unsigned int)below(stream, 24);

    if (back <= stream->count)
        cancel(stream, &stream->requests[stream->count - back]);
}

static void cancel_all(struct stream *stream)
{
    for (unsigned int i = 0; i < stream->count; i++) {
        if (stream->requests[i].pending && !stream->requests[i].given_up)
            cancel(stream, &stream->requests[i]);
    }
}

/* Reaping. */

static void reap_some(struct stream *stream)
{
    int queue = index_of(stream, some_queue(stream));

    reap(stream, queue, take(stream) % 2 ? 64 : (unsigned int)below(stream, 4));
}

static void wait_some(struct stream *stream)
{
    int queue = index_of(stream, some_queue(stream));

    wait_for(stream, queue, 1 + (unsigned int)below(stream, 3), (int)below(stream, 3));
}

static void drain(struct stream *stream)
{
    struct queue *queue = some_queue(stream);

    fake_release_all();
    if (stream->may_lose)
        cancel_all(stream);
    story_add("drain queue %d", index_of(stream, queue));
    require(vdisk_queue_drain(queue->queue) == 0);
    queue->ready = queue->in_flight;
    check_queue(queue);
    reap_some(stream);
}

static void acknowledge(struct stream *stream)
{
    struct disk *disk = &stream->disks[take(stream) % 8 == 0];

    if (!disk->disk || disk->closing)
        return;
    require(vdisk_acknowledge_loss(disk->disk, NULL) == 0);
    disk->sticky = 0;
    disk->acknowledged = story_tick();
    if (!disk->fenced)
        disk->may_have_lost = false;
    story_add("handle %d: acknowledge", disk->handle);
}

/* What librbd does. */

static unsigned int some_kinds(struct stream *stream)
{
    static const unsigned int kinds[] = {
        FAKE_WRITE,  FAKE_CHANGE, FAKE_IO, FAKE_READ, FAKE_FLUSH, FAKE_READ | FAKE_WRITE, FAKE_DISCARD | FAKE_ZEROES,
        FAKE_COMPARE};

    return kinds[below(stream, sizeof kinds / sizeof *kinds)];
}

static void hold(struct stream *stream)
{
    unsigned int kinds = take(stream) % 8 ? some_kinds(stream) : 0;

    story_add("hold 0x%x", kinds);
    fake_hold(kinds);
}

static void release(struct stream *stream)
{
    unsigned int bits = take(stream);
    size_t count = bits % 4 == 0 ? SIZE_MAX : bits % 4;
    enum fake_order order = bits / 4 % 3 == 0 ? FAKE_FIFO : bits / 4 % 3 == 1 ? FAKE_LIFO : FAKE_RANDOM;
    size_t released = fake_release(some_kinds(stream), count, order, bits);

    story_add("release %zu, in order %d", released, (int)order);
}

static void fail_call(struct stream *stream)
{
    static const char *const calls[] = {"rbd_aio_write",
                                        "rbd_aio_read",
                                        "rbd_aio_readv",
                                        "rbd_aio_writev",
                                        "rbd_aio_write2",
                                        "rbd_aio_flush",
                                        "rbd_aio_write_zeroes",
                                        "rbd_aio_discard",
                                        "rbd_aio_compare_and_write",
                                        "rbd_aio_create_completion"};
    const char *call = calls[below(stream, sizeof calls / sizeof *calls)];
    unsigned int n = 1 + (unsigned int)below(stream, 4);

    story_add("fail %s number %u", call, n);
    fake_fail_call(call, n, -ERROR_SUBMISSION);
    stream->refusals = true;
}

static void fail_completion(struct stream *stream)
{
    static const struct {
        enum fake_kind fake;
        enum kind kind;
    } kinds[] = {{FAKE_READ, READ},     {FAKE_WRITE, WRITE},     {FAKE_FLUSH, FLUSH}, {FAKE_DISCARD, DISCARD},
                 {FAKE_ZEROES, ZEROES}, {FAKE_COMPARE, COMPARE}, {FAKE_FLUSH, FLUSH}};
    size_t i = below(stream, sizeof kinds / sizeof *kinds);
    unsigned int bits = take(stream);
    int error = ERROR_COMPLETION;

    if (kinds[i].kind == FLUSH)
        error = bits % 4 == 1 ? ERROR_OTHER_FLUSH : bits % 4 == 2 && stream->loses ? ERROR_LOST : ERROR_FLUSH;
    else if (kinds[i].kind != READ && stream->loses && bits % 2)
        error = ERROR_LOST;
    stream->may_lose |= error == ERROR_LOST;
    stream->failures[kinds[i].kind] = true;
    story_add("result %d of 0x%x", error, (unsigned int)kinds[i].fake);
    fake_next_result(kinds[i].fake, error);
}

static void shorten(struct stream *stream)
{
    size_t bytes = below(stream, 300);

    story_add("short read by %zu", bytes);
    fake_short_read(bytes);
    stream->short_reads = true;
}

static void change_ways(struct stream *stream)
{
    unsigned int bits = take(stream);

    switch (bits % 4) {
    case 0:
        fake_land_failed_writes(bits / 4 % 2);
        break;
    case 1:
        fake_shuffle(bits / 4 % 2 ? bits : 0);
        break;
    case 2:
        fake_inline(bits / 4 % 4 == 1 ? some_kinds(stream) : 0);
        break;
    default:
        shorten(stream);
        break;
    }
    story_add("way %u", bits);
}

static void script(struct stream *stream)
{
    if (take(stream) % 2)
        fail_call(stream);
    else
        fail_completion(stream);
}

static void look(struct stream *stream)
{
    peek(&stream->disks[take(stream) % 8 == 0], HOT, HOT_CELLS);
}

static void close_some(struct stream *stream)
{
    struct disk *disk = &stream->disks[take(stream) % 4 == 0];

    if (take(stream) % 2)
        close_disk(stream, disk);
    else
        close_within(stream, disk);
}

static void fence_some(struct stream *stream)
{
    if (take(stream) % 2)
        fence(stream);
    reopen_disk(stream, &stream->disks[take(stream) % 8 == 0]);
}

/* The stream. */

static void submit_read(struct stream *stream)
{
    submit_something(stream, READ);
}

static void submit_write(struct stream *stream)
{
    submit_something(stream, WRITE);
}

static void submit_change(struct stream *stream)
{
    submit_something(stream, (enum kind[]){DISCARD, ZEROES, COMPARE}[below(stream, 3)]);
}

static void submit_flush(struct stream *stream)
{
    submit_something(stream, FLUSH);
}

static void submit_op(struct stream *stream)
{
    submit_something(stream, (enum kind[]){SNAPSHOT, RESIZE, CLOSE}[below(stream, 3)]);
}

/* Together 256. */
static const struct {
    unsigned int weight;
    void (*act)(struct stream *stream);
} actions[] = {
    {42, submit_write}, {26, submit_read}, {24, submit_change}, {12, submit_flush}, {4, submit_op},   {10, burst},
    {4, plug},          {14, unplug},      {32, cancel_some},   {20, reap_some},    {6, wait_some},   {4, drain},
    {4, acknowledge},   {20, release},     {12, hold},          {6, script},        {5, change_ways}, {3, look},
    {2, fence_some},    {3, close_some},   {3, replace_queue},
};

static void act(struct stream *stream)
{
    unsigned int number = take(stream);

    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (number < actions[i].weight) {
            actions[i].act(stream);
            return;
        }
        number -= actions[i].weight;
    }
    broken("an action");
}

static void begin_disk(struct disk *disk, const char *uri)
{
    disk->uri = uri;
    disk->image = uri + strlen("rbd:p/");
    disk->size = disk->least = disk->most = CELLS;
    fake_create_image("p", "", disk->image, CELLS * CELL);
    fake_set_layout("p", "", disk->image, OBJECT, OBJECT, 1);
    history_begin(&disk->history, CELLS);
}

static void begin(struct stream *stream)
{
    unsigned int bits = take(stream);

    story_begin();
    story_tick();
    fake_reset();
    fake_set_threads(1 + bits % 4);
    fake_create_pool("p");
    stream->quiet = bits / 4 % 2;
    stream->copies = bits / 8 % 2;
    stream->loses = bits / 16 % 4 == 1;
    begin_disk(&stream->disks[0], "rbd:p/a");
    begin_disk(&stream->disks[1], "rbd:p/b");
    for (int i = 0; i < QUEUES; i++)
        make_queue(stream, &stream->queues[i]);
}

/* Nothing waits for ever, but for a write that was lost sight of, and then until it is given up or the disk closes. */
static void end_requests(struct stream *stream)
{
    unsigned int bits = take(stream);

    story_add("the end");
    fake_inline(0);
    fake_release_all();
    unplug_all(stream);
    for (int i = 0; bits % 2 && i < DISKS; i++)
        close_disk(stream, &stream->disks[i]);
    if (stream->may_lose)
        cancel_all(stream);
    reap_all(stream);
    for (int i = 0; i < DISKS; i++)
        close_disk(stream, &stream->disks[i]);
}

static void end_disk(struct disk *disk)
{
    require(!disk->disk);
    peek(disk, 0, CELLS);
    require(disk->may_be_unflushed || !fake_image_closed_unflushed("p", "", disk->image));
    history_end(&disk->history);
}

static void end(struct stream *stream)
{
    end_requests(stream);
    for (int i = 0; i < QUEUES; i++)
        require(vdisk_queue_destroy(stream->queues[i].queue) == 0);
    /* What closes in the background. */
    while (fake_leaks(NULL, 0) > 0)
        nap_for(1000000);
    for (int i = 0; i < DISKS; i++)
        end_disk(&stream->disks[i]);
    for (unsigned int i = 0; i < stream->count; i++)
        require(!stream->requests[i].pending);
    fake_reset();
}

/* In a quiet stream each step has time to be over before the next, so that less is up to chance. */
static void settle(const struct stream *stream)
{
    if (!stream->quiet)
        return;
    /* Flushes can wait for what is held. */
    for (int i = 0; i < 20 && fake_in_flight() > fake_held(FAKE_ALL); i++)
        nap_for(100000);
}

void stream_run(const uint8_t *data, size_t size)
{
    struct stream *stream = calloc(1, sizeof *stream);

    require(stream);
    stream->data = data;
    stream->left = size;
    begin(stream);
    while (stream->left > 0 && stream->count < MAX_REQUESTS) {
        act(stream);
        settle(stream);
    }
    end(stream);
    free(stream);
}
