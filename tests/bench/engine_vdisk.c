/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests through libvdisk: a queue for each thread, as a hypervisor has it. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

#include "engine.h"
#include "fail.h"

#define BATCH 64

struct disks {
    uint32_t flags;
    bool poll;
    unsigned int count;
    struct vdisk *disk[];
};

struct lane {
    struct disks *disks;
    struct vdisk_queue *queue;
};

static uint32_t find_tuning(const char *name)
{
    static const char *const names[] = {
        [VDISK_TUNE_NONE] = "none", [VDISK_TUNE_THROUGHPUT] = "throughput", [VDISK_TUNE_FOOTPRINT] = "footprint"};

    for (uint32_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    if (name)
        bench_fail("--tuning", "none, throughput or footprint is expected");
    return VDISK_TUNE_NONE;
}

static void set_options(struct vdisk_open_options *options, struct vdisk_option *ceph, const struct job *job)
{
    vdisk_open_options_init(options, sizeof *options);
    options->conf = job->conf;
    options->options = ceph;
    options->option_count = job->option_count;
    for (unsigned int i = 0; i < job->option_count; i++)
        ceph[i] = (struct vdisk_option){.key = job->options[i].key, .value = job->options[i].value};
    options->disks_per_connection = job->disks_per_connection;
    options->tuning = find_tuning(job->tuning);
}

static struct vdisk_uri *uri_of(const struct job *job, unsigned int index)
{
    struct vdisk_error err;
    struct vdisk_uri *uri;
    char image[128];

    if (vdisk_uri_new(&uri, job->pool, NULL, job_image(job, index, image, sizeof image), NULL, &err) < 0)
        bench_fail("naming", err.message);
    return uri;
}

static void open_in_turn(struct disks *disks, const struct job *job, const struct vdisk_open_options *options)
{
    struct vdisk_error err;

    for (unsigned int i = 0; i < disks->count; i++) {
        struct vdisk_uri *uri = uri_of(job, i);

        if (vdisk_open(&disks->disk[i], uri, options, &err) < 0)
            bench_fail("opening", err.message);
        vdisk_uri_free(uri);
    }
}

static void await_openings(struct vdisk_queue *queue, unsigned int count)
{
    struct vdisk_completion done;
    struct vdisk_error err;

    for (unsigned int i = 0; i < count; i++) {
        bench_check("vdisk_queue_wait", vdisk_queue_wait(queue, &done, 1, 1, -1));
        if (vdisk_queue_error(queue, &done, &err) < 0)
            bench_fail("opening", err.message);
    }
}

static void open_together(struct disks *disks, const struct job *job, const struct vdisk_open_options *options)
{
    struct vdisk_queue_options queue_options;
    struct vdisk_queue *queue;
    struct vdisk_error err;

    vdisk_queue_options_init(&queue_options, sizeof queue_options);
    queue_options.depth = disks->count;
    if (vdisk_queue_create(&queue, &queue_options, &err) < 0)
        bench_fail("queue", err.message);
    for (unsigned int i = 0; i < disks->count; i++) {
        struct vdisk_uri *uri = uri_of(job, i);

        if (vdisk_aio_open(queue, &disks->disk[i], uri, options, 0, NULL, &err) < 0)
            bench_fail("opening", err.message);
        vdisk_uri_free(uri);
    }
    await_openings(queue, disks->count);
    bench_check("vdisk_queue_destroy", vdisk_queue_destroy(queue));
}

static void *open_disks(const struct job *job)
{
    struct disks *disks = bench_alloc(1, sizeof *disks + job->disks * sizeof disks->disk[0]);
    struct vdisk_option ceph[JOB_MAX_OPTIONS];
    struct vdisk_open_options options;

    set_options(&options, ceph, job);
    disks->flags = job->zero_copy ? VDISK_IO_ZERO_COPY : 0;
    disks->poll = job->poll;
    disks->count = job->disks;
    if (job->open_together)
        open_together(disks, job, &options);
    else
        open_in_turn(disks, job, &options);
    return disks;
}

static uint64_t disk_size(void *arg, unsigned int disk)
{
    struct disks *disks = arg;

    return vdisk_get_size(disks->disk[disk]);
}

static void flush_disks(void *arg)
{
    struct disks *disks = arg;
    struct vdisk_error err;

    for (unsigned int i = 0; i < disks->count; i++) {
        if (vdisk_flush(disks->disk[i], &err) < 0)
            bench_fail("flushing", err.message);
    }
}

static void close_disks(void *arg)
{
    struct disks *disks = arg;
    struct vdisk_error err;

    for (unsigned int i = 0; i < disks->count; i++) {
        if (vdisk_close(disks->disk[i], &err) < 0)
            bench_fail("closing", err.message);
    }
    free(disks);
}

/* Room for the bounce buffers of all requests, which are counted in powers of two. */
static uint64_t bounce_room(const struct slot *slots, unsigned int depth)
{
    uint64_t room = 0;

    for (unsigned int i = 0; i < depth; i++) {
        uint64_t size = 4096;

        while (size < slots[i].length)
            size *= 2;
        room += size;
    }
    return room > VDISK_MAX_REQUEST ? room : VDISK_MAX_REQUEST;
}

static void *lane_new(void *disks, struct slot *slots, unsigned int depth)
{
    struct lane *lane = bench_alloc(1, sizeof *lane);
    struct vdisk_queue_options options;
    struct vdisk_error err;

    vdisk_queue_options_init(&options, sizeof options);
    options.depth = depth;
    options.bounce_bytes = bounce_room(slots, depth);
    lane->disks = disks;
    if (vdisk_queue_create(&lane->queue, &options, &err) < 0)
        bench_fail("queue", err.message);
    return lane;
}

static void lane_free(void *arg)
{
    struct lane *lane = arg;

    bench_check("vdisk_queue_destroy", vdisk_queue_destroy(lane->queue));
    free(lane);
}

static void submit(void *arg, struct slot *slot)
{
    struct lane *lane = arg;
    struct vdisk *disk = lane->disks->disk[slot->disk];
    struct iovec iov = {.iov_base = slot->buffer, .iov_len = slot->length};
    uint32_t flags = lane->disks->flags;

    if (slot->is_read)
        bench_check("vdisk_aio_readv", vdisk_aio_readv(lane->queue, disk, &iov, 1, slot->offset, flags, slot));
    else
        bench_check("vdisk_aio_writev", vdisk_aio_writev(lane->queue, disk, &iov, 1, slot->offset, flags, slot));
}

/* As in an event loop: whoever else waits for something would be served between the two calls. */
static int poll_and_reap(struct vdisk_queue *queue, struct vdisk_completion *completions, unsigned int max)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};
    int n = 0;

    while (n == 0) {
        poll(&ready, 1, -1);
        n = vdisk_queue_reap(queue, completions, max);
    }
    return n;
}

static unsigned int wait_for_some(void *arg, struct slot **done, unsigned int max)
{
    struct lane *lane = arg;
    struct vdisk_completion completions[BATCH];
    int n;

    if (max > BATCH)
        max = BATCH;
    if (lane->disks->poll)
        n = poll_and_reap(lane->queue, completions, max);
    else
        n = vdisk_queue_wait(lane->queue, completions, 1, max, -1);
    bench_check("reaping", n);
    for (int i = 0; i < n; i++) {
        bench_check("request", completions[i].result);
        done[i] = completions[i].user_data;
    }
    return (unsigned int)n;
}

static void plug(void *arg)
{
    struct lane *lane = arg;

    bench_check("vdisk_queue_plug", vdisk_queue_plug(lane->queue));
}

static void unplug(void *arg)
{
    struct lane *lane = arg;

    bench_check("vdisk_queue_unplug", vdisk_queue_unplug(lane->queue));
}

const struct engine engine_vdisk = {
    .name = "vdisk",
    .open = open_disks,
    .size = disk_size,
    .flush = flush_disks,
    .close = close_disks,
    .lane_new = lane_new,
    .submit = submit,
    .wait = wait_for_some,
    .plug = plug,
    .unplug = unplug,
    .lane_free = lane_free,
};
