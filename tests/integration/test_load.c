/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many mixed requests from several threads, each with its own queue, on one disk: every request completes once, with
 * the bytes a simple model predicts, also while other clients resize, snapshot, write or remove the image.
 */
#include "resizing.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A thread's part of the disk consists of slots. A slot has one request at a time, so that what it holds is known.
 * There are more slots than the queue is deep, so that the queue is full at times.
 */
#define SLOTS 48
#define SLOT_SIZE ((size_t)24577)
#define DEPTH 24
#define PART (SLOTS * SLOT_SIZE)
#define THREADS 4

enum kind { READ, WRITE, FLUSH };

struct request {
    bool busy;
    enum kind kind;
    /* Inside the slot. */
    size_t from;
    size_t length;
    struct iovec iov[3];
    unsigned char *buffer;
};

struct load {
    pthread_t thread;
    struct vdisk *disk;
    struct vdisk_queue *queue;
    /* The start of its part of the disk. */
    uint64_t base;
    /* Beyond this the image may be cut off by others, so that contents are unknown and writes may fail. */
    uint64_t safe_end;
    bool only_read;
    uint64_t random;
    atomic_bool *stop;
    unsigned int rounds;

    struct request requests[SLOTS];
    unsigned char *model;
    unsigned int accepted;
    unsigned int completed;
    /* The first thing that went wrong; cmocka is not for other threads. */
    char trouble[256];
};

static void __attribute__((format(printf, 2, 3))) complain(struct load *load, const char *format, ...)
{
    va_list arguments;

    if (load->trouble[0])
        return;
    va_start(arguments, format);
    vsnprintf(load->trouble, sizeof load->trouble, format, arguments);
    va_end(arguments);
}

static uint64_t random_below(struct load *load, uint64_t limit)
{
    return next_random(&load->random) % limit;
}

static size_t slot_of(const struct load *load, const struct request *request)
{
    return (size_t)(request - load->requests);
}

static unsigned char *model_of(const struct load *load, const struct request *request)
{
    return load->model + slot_of(load, request) * SLOT_SIZE + request->from;
}

static uint64_t offset_of(const struct load *load, const struct request *request)
{
    return load->base + slot_of(load, request) * SLOT_SIZE + request->from;
}

static bool is_safe(const struct load *load, const struct request *request)
{
    return request->kind == FLUSH || offset_of(load, request) + request->length <= load->safe_end;
}

/* Submission. */

static void choose(struct load *load, struct request *request)
{
    uint64_t dice = random_below(load, 100);
    size_t first, second;

    request->kind = dice < 50 ? READ : dice < 95 && !load->only_read ? WRITE : FLUSH;
    request->from = random_below(load, SLOT_SIZE);
    request->length = random_below(load, SLOT_SIZE - request->from + 1);
    fill(request->buffer, request->length, next_random(&load->random));
    first = random_below(load, request->length + 1);
    second = random_below(load, request->length - first + 1);
    request->iov[0] = (struct iovec){request->buffer, first};
    request->iov[1] = (struct iovec){request->buffer + first, second};
    request->iov[2] = (struct iovec){request->buffer + first + second, request->length - first - second};
}

static int submit(struct load *load, struct request *request, uint32_t flags)
{
    uint64_t offset = offset_of(load, request);

    switch (request->kind) {
    case READ:
        return vdisk_aio_readv(load->queue, load->disk, request->iov, 3, offset, flags, request);
    case WRITE:
        return vdisk_aio_writev(load->queue, load->disk, request->iov, 3, offset, flags, request);
    case FLUSH:
        return vdisk_aio_flush(load->queue, load->disk, 0, request);
    }
    return -EDOM;
}

static void note_accepted(struct load *load, struct request *request, uint32_t flags)
{
    request->busy = true;
    load->accepted++;
    if (request->kind != WRITE)
        return;
    memcpy(model_of(load, request), request->buffer, request->length);
    /* Unless given away it is ours again, to do with as we like. */
    if (!(flags & VDISK_IO_ZERO_COPY))
        memset(request->buffer, 0xee, request->length);
}

/* False when there is no room. */
static bool start(struct load *load, struct request *request)
{
    uint32_t flags = random_below(load, 3) ? 0 : VDISK_IO_ZERO_COPY;
    unsigned int before = vdisk_queue_in_flight(load->queue);
    int r;

    choose(load, request);
    r = submit(load, request, flags);
    if (r == 0)
        note_accepted(load, request, flags);
    else if (r == -EAGAIN && before < DEPTH)
        complain(load, "a queue with %u of %d requests has no room", before, DEPTH);
    else if (r != -EAGAIN && (r != -EINVAL || is_safe(load, request)))
        complain(load, "request of kind %d is refused with %d", (int)request->kind, r);
    return r != -EAGAIN;
}

/* Completion. */

static void check_result(struct load *load, const struct request *request, int result)
{
    bool may_fail = request->kind == WRITE && !is_safe(load, request) && result == -EIO;

    if (result != 0 && !may_fail)
        complain(load, "a request of kind %d ends with %d", (int)request->kind, result);
}

static void take(struct load *load, const struct vdisk_completion *completion)
{
    struct request *request = completion->user_data;

    if (!request->busy)
        complain(load, "a request completes twice");
    request->busy = false;
    load->completed++;
    check_result(load, request, completion->result);
    if (request->kind == READ && is_safe(load, request) &&
        memcmp(request->buffer, model_of(load, request), request->length) != 0)
        complain(load, "%zu bytes at %llu are not those that were written", request->length,
                 (unsigned long long)offset_of(load, request));
}

static void reap(struct load *load)
{
    struct pollfd bell = {.fd = vdisk_queue_get_fd(load->queue), .events = POLLIN};
    struct vdisk_completion completions[7];
    int count;

    if (poll(&bell, 1, PATIENCE_MS) != 1)
        complain(load, "the descriptor stays silent with %u requests in flight", vdisk_queue_in_flight(load->queue));
    count = vdisk_queue_reap(load->queue, completions, 7);
    for (int i = 0; i < count; i++)
        take(load, &completions[i]);
}

static void *run_load(void *arg)
{
    struct load *load = arg;

    for (unsigned int i = 0; !load->trouble[0] && (i < load->rounds || !atomic_load(load->stop)); i++) {
        struct request *request = &load->requests[random_below(load, SLOTS)];

        if (request->busy || !start(load, request))
            reap(load);
    }
    while (!load->trouble[0] && vdisk_queue_in_flight(load->queue) > 0)
        reap(load);
    return NULL;
}

/* Setting up and ending. */

struct loads {
    struct load each[THREADS];
    atomic_bool stop;
};

static void init_load(struct load *load, struct vdisk *disk, unsigned int index)
{
    *load = (struct load){.disk = disk, .queue = new_queue(DEPTH), .base = index * PART, .safe_end = UINT64_MAX};
    load->random = index + 1;
    load->rounds = 500;
    load->model = calloc(1, PART);
    assert_non_null(load->model);
    for (size_t i = 0; i < SLOTS; i++)
        load->requests[i].buffer = pattern(SLOT_SIZE, i);
}

static struct loads *new_loads(struct vdisk *disk)
{
    struct loads *loads = calloc(1, sizeof *loads);

    assert_non_null(loads);
    for (unsigned int i = 0; i < THREADS; i++) {
        init_load(&loads->each[i], disk, i);
        loads->each[i].stop = &loads->stop;
    }
    return loads;
}

static void start_loads(struct loads *loads)
{
    for (unsigned int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&loads->each[i].thread, NULL, run_load, &loads->each[i]), 0);
}

static void check_load(struct load *load)
{
    if (load->trouble[0])
        fail_msg("%s", load->trouble);
    assert_int_equal(load->completed, load->accepted);
    assert_int_equal(vdisk_queue_destroy(load->queue), 0);
    for (size_t i = 0; i < SLOTS; i++)
        free(load->requests[i].buffer);
}

static void stop_loads(struct loads *loads)
{
    atomic_store(&loads->stop, true);
    for (unsigned int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(loads->each[i].thread, NULL), 0);
    for (unsigned int i = 0; i < THREADS; i++)
        check_load(&loads->each[i]);
}

/* What the image should hold; the rest of it is zeroes. */
static unsigned char *modelled(const struct loads *loads, size_t size)
{
    unsigned char *data = calloc(1, size);

    assert_non_null(data);
    for (unsigned int i = 0; i < THREADS; i++) {
        uint64_t base = loads->each[i].base;

        if (base < size)
            memcpy(data + base, loads->each[i].model, size - base < PART ? size - base : PART);
    }
    return data;
}

static void free_loads(struct loads *loads)
{
    for (unsigned int i = 0; i < THREADS; i++)
        free(loads->each[i].model);
    free(loads);
}

/* Stops the loads, closes the disk, and has `rbd` say what is on the cluster. */
static void check_outcome(struct loads *loads, struct vdisk *disk, const char *image, size_t size)
{
    unsigned char *expected;

    stop_loads(loads);
    close_disk(disk);
    expected = modelled(loads, size);
    assert_rbd_exports(image, expected, size);
    free(expected);
    free_loads(loads);
}

#define SIZE (THREADS * PART + 4097)

/* Tests. */

static void check_load_on(const char *image)
{
    struct vdisk *disk = open_disk(image, 0);
    struct loads *loads = new_loads(disk);

    start_loads(loads);
    check_outcome(loads, disk, image, SIZE);
}

static void requests_of_several_threads_complete_once_with_the_right_bytes(void **state)
{
    const char *image = new_image();

    (void)state;
    create_image(image, SIZE, 0);
    check_load_on(image);
}

static void requests_on_small_objects_complete_once_with_the_right_bytes(void **state)
{
    const char *image = new_image();

    (void)state;
    create_image(image, SIZE, 4096);
    check_load_on(image);
}

static void requests_on_a_clone_complete_once_with_the_right_bytes(void **state)
{
    const char *parent = new_image(), *child = new_image();
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk *disk;
    struct loads *loads;

    (void)state;
    import_image(parent, data, SIZE, NULL);
    RBD("snap", "create", text("%s@base", parent));
    RBD("snap", "protect", text("%s@base", parent));
    RBD("clone", text("%s@base", parent), child);
    disk = open_disk(child, 0);
    loads = new_loads(disk);
    for (unsigned int i = 0; i < THREADS; i++)
        memcpy(loads->each[i].model, data + i * PART, PART);
    start_loads(loads);
    stop_loads(loads);
    close_disk(disk);
    for (unsigned int i = 0; i < THREADS; i++)
        memcpy(data + i * PART, loads->each[i].model, PART);
    assert_rbd_exports(child, data, SIZE);
    free_loads(loads);
    free(data);
}

static void growing_by_another_client_disturbs_no_request(void **state)
{
    const char *image = new_image();
    struct loads *loads;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    loads = new_loads(disk);
    start_loads(loads);
    for (size_t i = 1; i <= 5; i++)
        resize_from_outside(image, SIZE + i * 1000003);
    wait_for_size(disk, SIZE + 5000015);
    check_outcome(loads, disk, image, SIZE + 5000015);
}

static void snapshots_by_another_client_disturb_no_request(void **state)
{
    const char *image = new_image();
    struct loads *loads;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    loads = new_loads(disk);
    start_loads(loads);
    for (int i = 0; i < 5; i++)
        RBD("snap", "create", text("%s@%d", image, i));
    for (int i = 0; i < 5; i++)
        RBD("snap", "rm", text("%s@%d", image, i));
    check_outcome(loads, disk, image, SIZE);
}

/* The exclusive lock goes back and forth. */
static void writes_by_another_client_disturb_no_request(void **state)
{
    const char *image = new_image();
    struct loads *loads;
    unsigned char *expected;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, 0);
    loads = new_loads(disk);
    start_loads(loads);
    for (int i = 1; i <= 5; i++)
        succeed(ARGV("qemu-io", "-f", "raw", "-c", text("write -P %d %zu 4000", i, THREADS * PART), qemu_name(image)));
    stop_loads(loads);
    close_disk(disk);
    expected = modelled(loads, SIZE);
    memset(expected + THREADS * PART, 5, 4000);
    assert_rbd_exports(image, expected, SIZE);
    free(expected);
    free_loads(loads);
}

/* Requests inside the new end are right; of those beyond, reads succeed and writes may fail; none is lost. */
static void shrinking_by_another_client_fails_only_writes_beyond_the_new_end(void **state)
{
    /* Between two slots: of a write across the new end that fails, nobody knows what it has done. */
    const size_t size = PART + PART / 2;
    const char *image = new_image();
    struct loads *loads;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 65536);
    disk = open_disk(image, 0);
    loads = new_loads(disk);
    for (unsigned int i = 0; i < THREADS; i++)
        loads->each[i].safe_end = size;
    start_loads(loads);
    resize_from_outside(image, size);
    wait_for_size(disk, size);
    check_outcome(loads, disk, image, size);
}

/* Nothing holds an image that is read only: removed under our feet, it reads as zeroes. */
static void removing_the_image_of_a_read_only_disk_ends_every_request(void **state)
{
    const char *image = new_image();
    struct loads *loads;
    struct vdisk *disk;

    (void)state;
    create_image(image, SIZE, 0);
    disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    loads = new_loads(disk);
    for (unsigned int i = 0; i < THREADS; i++)
        loads->each[i].only_read = true;
    start_loads(loads);
    RBD("rm", image);
    stop_loads(loads);
    close_disk(disk);
    free_loads(loads);
}

static void several_disks_of_one_image_do_not_disturb_each_other(void **state)
{
    const char *image = new_image();
    struct vdisk *first, *second;
    unsigned char *expected;
    struct loads *loads;

    (void)state;
    create_image(image, SIZE, 0);
    first = open_disk(image, 0);
    second = open_disk(image, 0);
    loads = new_loads(first);
    loads->each[1].disk = second;
    loads->each[3].disk = second;
    for (unsigned int i = 0; i < THREADS; i++)
        loads->each[i].rounds = 100;
    start_loads(loads);
    stop_loads(loads);
    close_disk(second);
    close_disk(first);
    expected = modelled(loads, SIZE);
    assert_rbd_exports(image, expected, SIZE);
    free(expected);
    free_loads(loads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_of_several_threads_complete_once_with_the_right_bytes),
        TEST(requests_on_small_objects_complete_once_with_the_right_bytes),
        TEST(requests_on_a_clone_complete_once_with_the_right_bytes),
        TEST(growing_by_another_client_disturbs_no_request),
        TEST(snapshots_by_another_client_disturb_no_request),
        TEST(writes_by_another_client_disturb_no_request),
        TEST(shrinking_by_another_client_fails_only_writes_beyond_the_new_end),
        TEST(removing_the_image_of_a_read_only_disk_ends_every_request),
        TEST(several_disks_of_one_image_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
