/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller creates, clones, lists, renames, removes, flattens and resizes images, at once and on a queue, while each
 * call into librbd and librados, each allocation and each thread fails in turn.
 */
#include "image_helpers.h"

#include <errno.h>

#include "sweep_helpers.h"

/* What the operations are given. The test makes it before anything fails. */
struct arguments {
    /* Whether the operations go through the queue. */
    bool queued;
    struct vdisk_queue *queue;
    struct vdisk_uri *snapshot;
    struct vdisk_uri *new;
    struct vdisk_uri *clone;
    struct vdisk_uri *renamed;
    struct vdisk_create_options create;
};

/* Notes the result of an operation. With a queue, waits for its completion first. */
static void finish(struct outcome *outcome, struct vdisk_queue *queue, int r, struct vdisk_error *err)
{
    struct vdisk_completion done;

    note(outcome, r, err);
    if (!queue || r < 0)
        return;
    do {
        assert_int_equal(vdisk_queue_wait(queue, &done, 1, 1, 30000), 1);
    } while (done.flags & VDISK_COMPLETION_MORE);
    vdisk_queue_error(queue, &done, err);
    if (done.result < 0)
        note(outcome, done.result, err);
}

static void make(struct outcome *outcome, const struct arguments *arguments)
{
    struct vdisk_queue *queue = arguments->queue;
    struct vdisk_error err;
    int r;

    r = queue ? vdisk_aio_create(queue, arguments->new, MIB, &arguments->create, NULL, 0, NULL, &err)
              : vdisk_create(arguments->new, MIB, &arguments->create, NULL, &err);
    finish(outcome, queue, r, &err);
    r = queue ? vdisk_aio_clone(queue, arguments->snapshot, arguments->clone, &arguments->create, NULL, 0, NULL, &err)
              : vdisk_clone(arguments->snapshot, arguments->clone, &arguments->create, NULL, &err);
    finish(outcome, queue, r, &err);
}

static void list(struct outcome *outcome, const struct arguments *arguments)
{
    struct vdisk_queue *queue = arguments->queue;
    struct vdisk_image *images;
    struct vdisk_error err;
    size_t count;
    int r;

    r = queue ? vdisk_aio_list(queue, &images, &count, "p", "", NULL, 0, NULL, &err)
              : vdisk_list(&images, &count, "p", "", NULL, &err);
    finish(outcome, queue, r, &err);
    assert_int_equal(images != NULL, count > 0);
    vdisk_image_list_free(images);
}

static void move(struct outcome *outcome, const struct arguments *arguments)
{
    struct vdisk_queue *queue = arguments->queue;
    struct vdisk_error err;
    int r;

    r = queue ? vdisk_aio_rename(queue, arguments->new, "renamed", NULL, 0, NULL, &err)
              : vdisk_rename(arguments->new, "renamed", NULL, &err);
    finish(outcome, queue, r, &err);
    r = queue ? vdisk_aio_remove(queue, arguments->renamed, NULL, VDISK_AIO_PROGRESS, NULL, &err)
              : vdisk_remove(arguments->renamed, NULL, &err);
    finish(outcome, queue, r, &err);
}

static void flatten(struct outcome *outcome, const struct arguments *arguments)
{
    struct vdisk_queue *queue = arguments->queue;
    struct vdisk_error err;
    struct vdisk *disk;
    int r = vdisk_open(&disk, arguments->clone, NULL, &err);

    note(outcome, r, &err);
    if (r < 0)
        return;
    r = queue ? vdisk_aio_flatten(queue, disk, VDISK_AIO_PROGRESS, NULL, &err) : vdisk_flatten(disk, 0, &err);
    finish(outcome, queue, r, &err);
    r = queue ? vdisk_aio_resize(queue, disk, 2 * IMAGE_SIZE, VDISK_AIO_PROGRESS, NULL, &err)
              : vdisk_resize(disk, 2 * IMAGE_SIZE, 0, &err);
    finish(outcome, queue, r, &err);
    note(outcome, vdisk_close(disk, &err), &err);
}

static void make_arguments(void *context)
{
    struct arguments *arguments = context;

    assert_int_equal(set_up_parent(NULL), 0);
    arguments->snapshot = parse("rbd:p/i@s");
    arguments->new = parse("rbd:p/new");
    arguments->clone = parse("rbd:p/clone");
    arguments->renamed = parse("rbd:p/renamed");
    vdisk_create_options_init(&arguments->create, sizeof arguments->create);
    arguments->create.object_size = 65536;
    arguments->create.stripe_unit = 4096;
    arguments->create.stripe_count = 2;
    arguments->create.features = VDISK_FEATURE_LAYERING;
    arguments->create.data_pool = "p";
    if (arguments->queued)
        assert_int_equal(vdisk_queue_create(&arguments->queue, NULL, NULL), 0);
}

static void free_arguments(void *context)
{
    struct arguments *arguments = context;

    vdisk_uri_free(arguments->snapshot);
    vdisk_uri_free(arguments->new);
    vdisk_uri_free(arguments->clone);
    vdisk_uri_free(arguments->renamed);
    assert_int_equal(vdisk_queue_destroy(arguments->queue), 0);
}

static void run_scenario(struct outcome *outcome, void *context)
{
    make(outcome, context);
    list(outcome, context);
    move(outcome, context);
    flatten(outcome, context);
}

static struct arguments for_calls, for_queue = {.queued = true};
static const struct scenario by_calls = {make_arguments, run_scenario, free_arguments, &for_calls};
static const struct scenario by_queue = {make_arguments, run_scenario, free_arguments, &for_queue};

/* test_faults.c has the reasons for those that have none here. */
static const struct harmless harmless[] = {
    {"rados_conf_get", 0},
    {"rbd_get_size", 0},
    {"rbd_update_unwatch", 0},
    /* It closes an image that was only looked at; test_faults.c covers images that were written to. */
    {"rbd_close", 0},
    {"rados_conf_read_file", ENOENT},
    {"rbd_get_parent", ENOENT},
    /* An interrupted removal leaves an image that cannot be opened; librbd removes the rest. */
    {"rbd_open_read_only", ENOENT},
    /* The library calls it as a part of opening, so the same holds. */
    {"rbd_get_overlap", ENOENT},
    {NULL, 0},
};

static void every_call_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_calls(&by_calls, FAKE_AT_SUBMISSION, EIO, harmless) >= 60);
}

static void every_call_may_fail_on_a_queue(void **state)
{
    (void)state;
    assert_true(sweep_calls(&by_queue, FAKE_AT_SUBMISSION, EIO, harmless) >= 60);
}

static void every_call_may_find_nothing(void **state)
{
    (void)state;
    assert_true(sweep_calls(&by_calls, FAKE_AT_SUBMISSION, ENOENT, harmless) >= 60);
}

static void every_call_may_be_busy(void **state)
{
    (void)state;
    assert_true(sweep_calls(&by_queue, FAKE_AT_SUBMISSION, EBUSY, harmless) >= 60);
}

/* Without a thread for a disk's background jobs, the worker does them. */
static const struct harmless without_thread[] = {{"pthread_create", 0}, {NULL, 0}};

static void every_allocation_and_thread_may_fail(void **state)
{
    (void)state;
    assert_true(sweep_allocations_anywhere(&by_calls, without_thread) >= 60);
}

/* The operations of a queue allocate on threads of the library. */
static void every_allocation_and_thread_may_fail_on_a_queue(void **state)
{
    (void)state;
    assert_true(sweep_allocations_anywhere(&by_queue, without_thread) >= 60);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(every_call_may_fail_on_a_queue),
        cmocka_unit_test(every_call_may_find_nothing),
        cmocka_unit_test(every_call_may_be_busy),
        cmocka_unit_test(every_allocation_and_thread_may_fail),
        cmocka_unit_test(every_allocation_and_thread_may_fail_on_a_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
