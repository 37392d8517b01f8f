/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the fake is right about librbd and librados: the same checks on both. One program has backend_fake.c and the
 * fake, the other backend_ceph.c and the real libraries, and runs on the cluster whose ceph.conf VDISK_TEST_CONF names
 * or which runs in VDISK_TEST_CLUSTER.
 *
 * Where the two differ, the fake is wrong.
 */
#ifndef AGREE_H
#define AGREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <rbd/librbd.h>
#include <semaphore.h>
#include <stdbool.h>

#define POOL "rbd"
#define SIZE (UINT64_C(2) << 20)

/* The backend. */

const char *conf_path(void);
void set_up_cluster(void);
void tear_down_cluster(void);

/* Of the test's image, as of its next opening. */
void set_image_option(const char *name, const char *value);

/* A connection for all tests, and a fresh image for each that asks for it, opened for writing. */

extern rados_t cluster;
extern rados_ioctx_t pool;
extern rbd_image_t image;
extern char image_name[64];

rados_t connect_to_cluster(void);
int set_up_all(void **state);
int tear_down_all(void **state);
int set_up_image(void **state);
int tear_down_image(void **state);

#define WITH_IMAGE(function) cmocka_unit_test_setup_teardown(function, set_up_image, tear_down_image)

/* rbd_create4 with one option. */
int create(const char *name, uint64_t size, int option, uint64_t value);

/* The test's image once more. */
rbd_image_t open_again(const char *snapshot);
rbd_image_t open_read_only(const char *snapshot);

int ignore_progress(uint64_t done, uint64_t total, void *arg);
int resize(rbd_image_t opened, uint64_t size, bool allow_shrink);
uint64_t size_of(rbd_image_t opened);

/* Requests. */

struct request {
    sem_t done;
    ssize_t result;
    int calls;
    bool inline_call;
    pthread_t submitter;
};

/* A completion whose callback fills in the request. */
rbd_completion_t new_completion(struct request *request);

/* The result. Checks that the callback came once, and from another thread. */
ssize_t wait_for(struct request *request);

ssize_t do_read(rbd_image_t from, uint64_t offset, void *buffer, size_t length);
ssize_t do_readv(rbd_image_t from, uint64_t offset, const struct iovec *iov, int iovcnt);
ssize_t do_write(rbd_image_t to, uint64_t offset, const void *buffer, size_t length);
ssize_t do_writev(rbd_image_t to, uint64_t offset, const struct iovec *iov, int iovcnt);
ssize_t do_flush(rbd_image_t of);

/* Each runs its tests and returns how many failed. */
int agree_on_requests(void);
int agree_on_changes(void);
int agree_on_handles(void);
int agree_on_snapshots(void);
int agree_on_images(void);
int agree_on_clones(void);
int agree_on_directory(void);
int agree_on_fencing(void);
int agree_on_locks(void);
int agree_on_exclusive(void);
int agree_on_config(void);

#endif
