/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zeroes that are to be stored, in ranges that are not aligned, while the image's header changes: librbd alone stops
 * for good then.
 */
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE MIB(16)
#define SLOTS 16
#define SLOT (SIZE / SLOTS)
#define SNAPSHOTS 20
/* Long after every request must have completed. */
#define STUCK_MS 30000

/* A request in each slot of the image, again and again. */
struct load {
    const char *image;
    struct vdisk *disk;
    struct vdisk_queue *queue;
    unsigned char *expected;
    uint64_t random;
    char tags[SLOTS + 1];
};

#define SNAPSHOT_TAG(load) (&(load)->tags[SLOTS])

static void submit(struct load *load, unsigned int slot)
{
    uint64_t offset = slot * SLOT + next_random(&load->random) % (SLOT / 2);
    uint64_t length = 1 + next_random(&load->random) % 60000;

    memset(load->expected + offset, 0, length);
    assert_int_equal(
        vdisk_aio_write_zeroes(load->queue, load->disk, length, offset, VDISK_WRITE_ZEROES_THICK, &load->tags[slot]),
        0);
}

static void start(struct load *load)
{
    *load = (struct load){.image = new_image(), .expected = pattern(SIZE, 1), .random = 7};
    import_image(load->image, load->expected, SIZE, NULL);
    load->disk = open_disk(load->image, 0);
    load->queue = new_queue(SLOTS + 1);
    for (unsigned int i = 0; i < SLOTS; i++)
        submit(load, i);
}

/* Returns what the next completion is of: a slot, whose request was done, or SLOTS for a snapshot. */
static unsigned int reap(struct load *load)
{
    struct vdisk_completion done;

    if (vdisk_queue_wait(load->queue, &done, 1, 1, STUCK_MS) != 1)
        fail_msg("%u requests do not complete", vdisk_queue_in_flight(load->queue));
    assert_int_equal(done.result, 0);
    return (unsigned int)((char *)done.user_data - load->tags);
}

static void finish(struct load *load)
{
    while (vdisk_queue_in_flight(load->queue) > 0)
        reap(load);
    assert_int_equal(vdisk_queue_destroy(load->queue), 0);
    close_disk(load->disk);
    assert_rbd_exports(load->image, load->expected, SIZE);
    free(load->expected);
}

static void snapshots_of_the_disk_do_not_stop_them(void **state)
{
    struct vdisk_error err;
    struct load load;
    unsigned int done = 0;

    (void)state;
    start(&load);
    assert_done(vdisk_aio_snapshot_create(load.queue, load.disk, "s", 0, SNAPSHOT_TAG(&load), &err), &err);
    while (done < SNAPSHOTS) {
        unsigned int slot = reap(&load);
        int r;

        if (slot < SLOTS) {
            submit(&load, slot);
            continue;
        }
        r = ++done % 2 ? vdisk_aio_snapshot_remove(load.queue, load.disk, "s", 0, SNAPSHOT_TAG(&load), &err)
                       : vdisk_aio_snapshot_create(load.queue, load.disk, "s", 0, SNAPSHOT_TAG(&load), &err);
        assert_done(r, &err);
    }
    finish(&load);
    RBD("snap", "purge", "--no-progress", load.image);
}

/* Another client. Its calls must not assert: a test fails on its own thread only. */
struct other {
    const char *image;
    atomic_uint failures;
    atomic_bool done;
};

static void *make_snapshots(void *arg)
{
    struct other *other = arg;
    char spec[256];

    snprintf(spec, sizeof spec, "%s@s", other->image);
    for (unsigned int i = 0; i < SNAPSHOTS / 2; i++) {
        other->failures += RBD_STATUS("snap", "create", "--no-progress", spec) != 0;
        other->failures += RBD_STATUS("snap", "rm", "--no-progress", spec) != 0;
    }
    other->done = true;
    return NULL;
}

static void snapshots_of_another_client_do_not_stop_them(void **state)
{
    struct other other = {0};
    pthread_t thread;
    struct load load;

    (void)state;
    start(&load);
    other.image = load.image;
    assert_int_equal(pthread_create(&thread, NULL, make_snapshots, &other), 0);
    while (!other.done)
        submit(&load, reap(&load));
    pthread_join(thread, NULL);
    assert_int_equal(other.failures, 0);
    finish(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(snapshots_of_the_disk_do_not_stop_them),
        TEST(snapshots_of_another_client_do_not_stop_them),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
