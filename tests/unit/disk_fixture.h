/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of disks share: a cluster with one image, sentences of errors, calls that block on a thread of their
 * own, and waiting with a watchdog.
 */
#ifndef DISK_FIXTURE_H
#define DISK_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <vdisk/vdisk.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

/* The image that there is: zeroes all over. */
#define IMAGE_URI "rbd:p/i"
#define IMAGE_SIZE (64 * MIB)

int set_up_cluster(void **state);
int tear_down_cluster(void **state);

/* With the image open for writing; what a test closes itself, it sets to NULL. */
struct fixture {
    struct vdisk *disk;
    struct vdisk_queue *queue;
    struct vdisk_queue *other_queue;
};

int set_up_disk(void **state);
int tear_down_disk(void **state);

/* Takes a snapshot of the image, as another client would. */
void take_snapshot(const char *name);

struct vdisk *open_disk(const char *uri, uint32_t flags);
struct vdisk *open_disk_with(const char *uri, const struct vdisk_open_options *options);

/* Opened read-only, its size asked for every millisecond. */
struct vdisk *open_polled(const char *uri);
void close_disk(struct vdisk *disk);

/* Sentences. */

/* That `err` has this code, and is a sentence which holds `part`. */
#define assert_says(err, expected, part) check_says(err, expected, part, __FILE__, __LINE__)
void check_says(const struct vdisk_error *err, int code, const char *part, const char *file, int line);

#define assert_contains(text, part) check_contains(text, part, __FILE__, __LINE__)
void check_contains(const char *text, const char *part, const char *file, int line);

/* Waiting. */

/* Sleeps for a millisecond. */
void nap(void);

/* Waits until the condition holds, and fails the test when that takes half a minute. On the main thread only. */
#define wait_until(condition)                                                                                          \
    do {                                                                                                               \
        for (int naps_ = 0; !(condition); naps_++) {                                                                   \
            assert_true(naps_ < 30000);                                                                                \
            nap();                                                                                                     \
        }                                                                                                              \
    } while (0)

/*
 * Gives something that must not happen some time to happen, before the test looks whether it has. On a slow machine it
 * can be missed, never be seen falsely.
 */
#define allow_time_for(condition)                                                                                      \
    do {                                                                                                               \
        for (int naps_ = 0; naps_ < 50 && !(condition); naps_++)                                                       \
            nap();                                                                                                     \
    } while (0)

/* A call on a thread of its own. */
struct background {
    pthread_t thread;
    int (*call)(void *argument);
    void *argument;
    int result;
    atomic_bool over;
};

void start_background(struct background *background, int (*call)(void *argument), void *argument);
bool is_over(struct background *background);

/* Waits for its end. Returns what it returned. */
int end_background(struct background *background);

/* Closing, on a thread of its own. */
struct closing {
    struct background background;
    struct vdisk *disk;
    struct vdisk_error err;
};

/* Returns when the disk lets nobody in any more. Something must keep it from closing altogether. */
void start_closing(struct closing *closing, struct vdisk *disk);
int end_closing(struct closing *closing);

/* Requests. */

int submit_read(struct vdisk_queue *queue, struct vdisk *disk, void *buffer, uint64_t length, uint64_t offset);
int submit_write(struct vdisk_queue *queue, struct vdisk *disk, const void *buffer, uint64_t length, uint64_t offset);
int submit_flush(struct vdisk_queue *queue, struct vdisk *disk);

/* The result of the next completion. */
int reap_one(struct vdisk_queue *queue);

/* Bytes. */

/* A pattern, another one for every seed. */
void fill(void *buffer, size_t length, unsigned int seed);
bool is_filled(const void *buffer, size_t length, unsigned int seed);
bool is_zero(const void *buffer, size_t length);

#endif
