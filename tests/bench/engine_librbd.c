/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The yardstick: librbd with nothing between. Its callback hands the request to the thread that submitted it, which
 * submits the next one. Each disk has a connection of its own.
 */
#include <pthread.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdlib.h>

#include "engine.h"
#include "fail.h"

struct disk {
    rados_t cluster;
    rados_ioctx_t pool;
    rbd_image_t image;
};

struct disks {
    unsigned int count;
    struct disk disk[];
};

struct request {
    struct lane *lane;
    struct slot *slot;
    struct request *next;
    int result;
};

struct lane {
    struct disks *disks;
    struct slot *slots;
    struct request *requests;
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct request *done;
};

static void open_disk(struct disk *disk, const struct job *job, unsigned int index)
{
    char image[128];

    bench_check("rados_create", rados_create(&disk->cluster, "admin"));
    bench_check("rados_conf_read_file", rados_conf_read_file(disk->cluster, job->conf));
    for (unsigned int i = 0; i < job->option_count; i++)
        bench_check(job->options[i].key, rados_conf_set(disk->cluster, job->options[i].key, job->options[i].value));
    bench_check("rados_connect", rados_connect(disk->cluster));
    bench_check("rados_ioctx_create", rados_ioctx_create(disk->cluster, job->pool, &disk->pool));
    bench_check("rbd_open", rbd_open(disk->pool, job_image(job, index, image, sizeof image), &disk->image, NULL));
}

static void *open_disks(const struct job *job)
{
    struct disks *disks = bench_alloc(1, sizeof *disks + job->disks * sizeof disks->disk[0]);

    if (job->zero_copy || job->plug || job->poll || job->open_together || job->disks_per_connection || job->tuning)
        bench_fail("librbd", "this is an option of libvdisk's");
    disks->count = job->disks;
    for (unsigned int i = 0; i < disks->count; i++)
        open_disk(&disks->disk[i], job, i);
    return disks;
}

static uint64_t disk_size(void *arg, unsigned int disk)
{
    struct disks *disks = arg;
    uint64_t size = 0;

    bench_check("rbd_get_size", rbd_get_size(disks->disk[disk].image, &size));
    return size;
}

static void flush_disks(void *arg)
{
    struct disks *disks = arg;

    for (unsigned int i = 0; i < disks->count; i++)
        bench_check("rbd_flush", rbd_flush(disks->disk[i].image));
}

static void close_disks(void *arg)
{
    struct disks *disks = arg;

    for (unsigned int i = 0; i < disks->count; i++) {
        bench_check("rbd_close", rbd_close(disks->disk[i].image));
        rados_ioctx_destroy(disks->disk[i].pool);
        rados_shutdown(disks->disk[i].cluster);
    }
    free(disks);
}

static void *lane_new(void *disks, struct slot *slots, unsigned int depth)
{
    struct lane *lane = bench_alloc(1, sizeof *lane);

    lane->disks = disks;
    lane->slots = slots;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->some, NULL);
    lane->requests = bench_alloc(depth, sizeof *lane->requests);
    for (unsigned int i = 0; i < depth; i++)
        lane->requests[i] = (struct request){.lane = lane, .slot = &slots[i]};
    return lane;
}

static void lane_free(void *arg)
{
    struct lane *lane = arg;

    pthread_mutex_destroy(&lane->lock);
    pthread_cond_destroy(&lane->some);
    free(lane->requests);
    free(lane);
}

static void completed(rbd_completion_t completion, void *arg)
{
    struct request *request = arg;
    struct lane *lane = request->lane;

    request->result = (int)rbd_aio_get_return_value(completion);
    rbd_aio_release(completion);
    pthread_mutex_lock(&lane->lock);
    request->next = lane->done;
    lane->done = request;
    pthread_cond_signal(&lane->some);
    pthread_mutex_unlock(&lane->lock);
}

static void submit(void *arg, struct slot *slot)
{
    struct lane *lane = arg;
    rbd_image_t image = lane->disks->disk[slot->disk].image;
    rbd_completion_t completion;

    bench_check("rbd_aio_create_completion",
                rbd_aio_create_completion(&lane->requests[slot - lane->slots], completed, &completion));
    if (slot->is_read)
        bench_check("rbd_aio_read", rbd_aio_read(image, slot->offset, slot->length, slot->buffer, completion));
    else
        bench_check("rbd_aio_write", rbd_aio_write(image, slot->offset, slot->length, slot->buffer, completion));
}

static unsigned int wait_for_some(void *arg, struct slot **done, unsigned int max)
{
    struct lane *lane = arg;
    unsigned int n = 0;

    pthread_mutex_lock(&lane->lock);
    while (!lane->done)
        pthread_cond_wait(&lane->some, &lane->lock);
    for (; lane->done && n < max; lane->done = lane->done->next) {
        bench_check("request", lane->done->result);
        done[n++] = lane->done->slot;
    }
    pthread_mutex_unlock(&lane->lock);
    return n;
}

const struct engine engine_librbd = {
    .name = "librbd",
    .open = open_disks,
    .size = disk_size,
    .flush = flush_disks,
    .close = close_disks,
    .lane_new = lane_new,
    .submit = submit,
    .wait = wait_for_some,
    .lane_free = lane_free,
};
