/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "content.h"
#include "fail.h"
#include "usage.h"

/* Sequential workers start at different places of the disk. */
static void init_cursors(struct worker *worker)
{
    const struct job *job = worker->job;

    worker->cursors = bench_alloc(job->disks, sizeof *worker->cursors);
    for (unsigned int i = 0; i < job->disks; i++) {
        uint64_t blocks = worker->engine->size(worker->disks, i) / job->block_size;

        if (blocks == 0)
            bench_fail("image", "smaller than a block");
        worker->cursors[i] = (struct cursor){.blocks = blocks, .next = blocks / job->threads * worker->index};
    }
}

void worker_init(struct worker *worker, const struct job *job, const struct engine *engine, void *disks,
                 unsigned int index)
{
    *worker = (struct worker){
        .job = job, .engine = engine, .disks = disks, .index = index, .seed = UINT64_C(88172645463325252) + index};
    init_cursors(worker);
    worker->slots = bench_alloc(job->depth, sizeof *worker->slots);
    for (unsigned int i = 0; i < job->depth; i++) {
        struct slot *slot = &worker->slots[i];

        slot->length = job->block_size;
        slot->buffer = bench_pages(job->block_size);
        content_fill(slot->buffer, slot->length, 0, 0);
    }
    worker->lane = engine->lane_new(disks, worker->slots, job->depth);
}

void worker_destroy(struct worker *worker)
{
    worker->engine->lane_free(worker->lane);
    for (unsigned int i = 0; i < worker->job->depth; i++)
        free(worker->slots[i].buffer);
    free(worker->slots);
    free(worker->cursors);
}

/* xorshift64*: the same for every engine, and no lock as in random(). */
static uint64_t next_random(struct worker *worker)
{
    worker->seed ^= worker->seed >> 12;
    worker->seed ^= worker->seed << 25;
    worker->seed ^= worker->seed >> 27;
    return worker->seed * UINT64_C(2685821657736338717);
}

static uint64_t next_block(struct worker *worker, unsigned int disk)
{
    struct cursor *cursor = &worker->cursors[disk];
    uint64_t block = cursor->next;

    if (worker->job->random)
        return next_random(worker) % cursor->blocks;
    cursor->next = block + 1 < cursor->blocks ? block + 1 : 0;
    return block;
}

/* Makes the slot a write to the next block, disk by disk. false: all are done. */
static bool next_to_fill(struct worker *worker, struct slot *slot)
{
    if (worker->fill_disk == worker->job->disks)
        return false;
    slot->is_read = false;
    slot->disk = worker->fill_disk;
    slot->offset = worker->fill_block * slot->length;
    if (++worker->fill_block == worker->cursors[worker->fill_disk].blocks) {
        worker->fill_block = 0;
        worker->fill_disk++;
    }
    return true;
}

static bool next_to_measure(struct worker *worker, struct slot *slot)
{
    const struct job *job = worker->job;
    unsigned int number = worker->index * job->depth + (unsigned int)(slot - worker->slots);

    if (worker->over)
        return false;
    slot->disk = number % job->disks;
    slot->is_read =
        job->read_percent == 100 || (job->read_percent > 0 && next_random(worker) % 100 < job->read_percent);
    slot->offset = next_block(worker, slot->disk) * slot->length;
    return true;
}

/* Returns whether there was anything more to do. */
static bool submit_next(struct worker *worker, struct slot *slot)
{
    if (!(worker->filling ? next_to_fill(worker, slot) : next_to_measure(worker, slot)))
        return false;
    if (!slot->is_read && (worker->job->verify || worker->filling))
        content_fill(slot->buffer, slot->length, slot->disk, slot->offset);
    slot->start = usage_now_ns();
    worker->engine->submit(worker->lane, slot);
    return true;
}

static void finish(struct worker *worker, const struct slot *slot, int64_t now)
{
    histogram_add(&worker->latency, (uint64_t)(now - slot->start));
    worker->bytes += slot->length;
    if (worker->job->verify && slot->is_read && !content_is_right(slot->buffer, slot->length, slot->disk, slot->offset))
        bench_fail("verification", "a read brought something else than was written");
}

static void plug(struct worker *worker)
{
    if (worker->job->plug)
        worker->engine->plug(worker->lane);
}

static void unplug(struct worker *worker)
{
    if (worker->job->plug)
        worker->engine->unplug(worker->lane);
}

static void keep_in_flight(struct worker *worker)
{
    unsigned int in_flight = 0, depth = worker->job->depth;
    struct slot **done = bench_alloc(depth, sizeof *done);

    plug(worker);
    for (unsigned int i = 0; i < depth; i++)
        in_flight += submit_next(worker, &worker->slots[i]);
    unplug(worker);
    while (in_flight > 0) {
        unsigned int n = worker->engine->wait(worker->lane, done, depth);
        int64_t now = usage_now_ns();

        in_flight -= n;
        worker->over = now >= worker->end;
        for (unsigned int i = 0; i < n; i++)
            finish(worker, done[i], now);
        plug(worker);
        for (unsigned int i = 0; i < n; i++)
            in_flight += submit_next(worker, done[i]);
        unplug(worker);
    }
    free(done);
}

static void *run(void *worker)
{
    keep_in_flight(worker);
    return NULL;
}

void worker_start(struct worker *worker, double seconds)
{
    memset(&worker->latency, 0, sizeof worker->latency);
    worker->bytes = 0;
    worker->over = false;
    worker->end = usage_now_ns() + (int64_t)(seconds * 1e9);
    bench_check("pthread_create", -pthread_create(&worker->thread, NULL, run, worker));
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
}

void worker_fill(struct worker *worker)
{
    worker->filling = true;
    keep_in_flight(worker);
    worker->filling = false;
}
