/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * usage: cost MODE ROUNDS
 * Makes requests of 4 KiB over the fake, to be run under callgrind: `check-costs` counts what of it is the library's.
 *
 * A round submits its requests, has all of them completed on the fake's threads, and reaps them. Nothing of what the
 * library does in it depends on timing: the callbacks come after the submissions, the reaping after the callbacks.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vdisk/vdisk.h>

#include "fake.h"

#define BLOCK 4096
#define MOST 32
#define WARM_UP_ROUNDS 4

struct mode {
    const char *name;
    bool is_read;
    unsigned int batch;
    /* The requests of a round are neighbours, gathered and sent as one. */
    bool merged;
};

static const struct mode modes[] = {
    {"read-1", .is_read = true, .batch = 1},
    {"write-1", .is_read = false, .batch = 1},
    {"read-32", .is_read = true, .batch = 32},
    {"write-32", .is_read = false, .batch = 32},
    {"read-merged", .is_read = true, .batch = 32, .merged = true},
    {"write-merged", .is_read = false, .batch = 32, .merged = true},
};

static char data[MOST][BLOCK];

static void check(const char *what, int r, int expected)
{
    if (r == expected)
        return;
    fprintf(stderr, "cost: %s: %d instead of %d\n", what, r, expected);
    exit(1);
}

static void submit(struct vdisk_queue *queue, struct vdisk *disk, const struct mode *mode, unsigned int i)
{
    struct iovec iov = {.iov_base = data[i], .iov_len = BLOCK};
    uint64_t offset = (uint64_t)i * BLOCK;

    if (mode->is_read)
        check("vdisk_aio_readv", vdisk_aio_readv(queue, disk, &iov, 1, offset, 0, data[i]), 0);
    else
        check("vdisk_aio_writev", vdisk_aio_writev(queue, disk, &iov, 1, offset, 0, data[i]), 0);
}

static void do_round(struct vdisk_queue *queue, struct vdisk *disk, const struct mode *mode)
{
    struct vdisk_completion completions[MOST];

    if (mode->merged)
        check("vdisk_queue_plug", vdisk_queue_plug(queue), 0);
    for (unsigned int i = 0; i < mode->batch; i++)
        submit(queue, disk, mode, i);
    if (mode->merged)
        check("vdisk_queue_unplug", vdisk_queue_unplug(queue), 0);
    fake_release(FAKE_IO, SIZE_MAX, FAKE_FIFO, 0);
    check("idle", fake_wait_idle(), true);
    check("vdisk_queue_reap", vdisk_queue_reap(queue, completions, MOST), (int)mode->batch);
    for (unsigned int i = 0; i < mode->batch; i++)
        check("completion", completions[i].result, 0);
}

/* Callgrind is told to count from where this is entered to where it is left. */
__attribute__((noinline)) static void counted_rounds(struct vdisk_queue *queue, struct vdisk *disk,
                                                     const struct mode *mode, unsigned int rounds)
{
    for (unsigned int i = 0; i < rounds; i++)
        do_round(queue, disk, mode);
}

static void run(const struct mode *mode, unsigned int rounds)
{
    struct vdisk_queue *queue;
    struct vdisk *disk;
    unsigned int before;

    fake_reset();
    fake_create_pool("p");
    fake_create_image("p", "", "i", UINT64_C(64) << 20);
    check("vdisk_open_uri", vdisk_open_uri(&disk, "rbd:p/i", NULL, NULL), 0);
    check("vdisk_queue_create", vdisk_queue_create(&queue, NULL, NULL), 0);
    fake_hold(FAKE_IO);
    for (unsigned int i = 0; i < WARM_UP_ROUNDS; i++)
        do_round(queue, disk, mode);
    before = fake_calls("rbd_aio_create_completion");
    counted_rounds(queue, disk, mode, rounds);
    check("requests to librbd", (int)(fake_calls("rbd_aio_create_completion") - before),
          (int)(mode->merged ? rounds : rounds * mode->batch));
    fake_release_all();
    fake_hold(0);
    check("vdisk_queue_destroy", vdisk_queue_destroy(queue), 0);
    check("vdisk_close", vdisk_close(disk, NULL), 0);
    fake_reset();
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, argv[1]) == 0) {
            run(&modes[i], (unsigned int)strtoul(argv[2], NULL, 10));
            return 0;
        }
    }
    fputs("usage: cost MODE ROUNDS\n", stderr);
    return 2;
}
