/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * As test_faults.c, for operations on images: fails every call into librbd and librados and every allocation and
 * thread in turn, and looks that nothing leaks, crashes, hangs, or is done in silence; performed at once, and on a
 * queue.
 */
#include "image_helpers.h"

#include <errno.h>
#include <stdio.h>

#include "wrap.h"

struct journey {
    struct vdisk_queue *queue;
    /* The first failure. */
    int failure;
    struct vdisk_uri *snapshot;
    struct vdisk_uri *new;
    struct vdisk_uri *clone;
    struct vdisk_uri *renamed;
    struct vdisk_create_options create;
};

static void note(struct journey *journey, int r, const struct vdisk_error *err)
{
    assert_int_equal(err->code, r);
    assert_int_equal(err->message[0] != '\0', r < 0);
    if (r < 0 && journey->failure == 0)
        journey->failure = r;
}

/* What an operation came to: at once, or with the completion that is waited for. */
static void finish(struct journey *journey, int r, struct vdisk_error *err)
{
    struct vdisk_completion done;

    note(journey, r, err);
    if (!journey->queue || r < 0)
        return;
    do {
        assert_int_equal(vdisk_queue_wait(journey->queue, &done, 1, 1, 30000), 1);
    } while (done.flags & VDISK_COMPLETION_MORE);
    vdisk_queue_error(journey->queue, &done, err);
    if (done.result < 0)
        note(journey, done.result, err);
}

static void make(struct journey *journey)
{
    struct vdisk_queue *queue = journey->queue;
    struct vdisk_error err;
    int r;

    r = queue ? vdisk_aio_create(queue, journey->new, MIB, &journey->create, NULL, 0, NULL, &err)
              : vdisk_create(journey->new, MIB, &journey->create, NULL, &err);
    finish(journey, r, &err);
    r = queue ? vdisk_aio_clone(queue, journey->snapshot, journey->clone, &journey->create, NULL, 0, NULL, &err)
              : vdisk_clone(journey->snapshot, journey->clone, &journey->create, NULL, &err);
    finish(journey, r, &err);
}

static void list(struct journey *journey)
{
    struct vdisk_queue *queue = journey->queue;
    struct vdisk_image *images;
    struct vdisk_error err;
    size_t count;
    int r;

    r = queue ? vdisk_aio_list(queue, &images, &count, "p", "", NULL, 0, NULL, &err)
              : vdisk_list(&images, &count, "p", "", NULL, &err);
    finish(journey, r, &err);
    assert_int_equal(images != NULL, count > 0);
    vdisk_image_list_free(images);
}

static void move(struct journey *journey)
{
    struct vdisk_queue *queue = journey->queue;
    struct vdisk_error err;
    int r;

    r = queue ? vdisk_aio_rename(queue, journey->new, "renamed", NULL, 0, NULL, &err)
              : vdisk_rename(journey->new, "renamed", NULL, &err);
    finish(journey, r, &err);
    r = queue ? vdisk_aio_remove(queue, journey->renamed, NULL, VDISK_AIO_PROGRESS, NULL, &err)
              : vdisk_remove(journey->renamed, NULL, &err);
    finish(journey, r, &err);
}

static void flatten(struct journey *journey)
{
    struct vdisk_queue *queue = journey->queue;
    struct vdisk_error err;
    struct vdisk *disk;
    int r = vdisk_open(&disk, journey->clone, NULL, &err);

    note(journey, r, &err);
    if (r < 0)
        return;
    r = queue ? vdisk_aio_flatten(queue, disk, VDISK_AIO_PROGRESS, NULL, &err) : vdisk_flatten(disk, 0, &err);
    finish(journey, r, &err);
    r = queue ? vdisk_aio_resize(queue, disk, 2 * IMAGE_SIZE, VDISK_AIO_PROGRESS, NULL, &err)
              : vdisk_resize(disk, 2 * IMAGE_SIZE, 0, &err);
    finish(journey, r, &err);
    note(journey, vdisk_close(disk, &err), &err);
}

/* What the test itself needs is made before anything is made to fail. */
static void pack(struct journey *journey, bool queued)
{
    memset(journey, 0, sizeof *journey);
    journey->snapshot = parse("rbd:p/i@s");
    journey->new = parse("rbd:p/new");
    journey->clone = parse("rbd:p/clone");
    journey->renamed = parse("rbd:p/renamed");
    vdisk_create_options_init(&journey->create, sizeof journey->create);
    journey->create.object_size = 65536;
    journey->create.stripe_unit = 4096;
    journey->create.stripe_count = 2;
    journey->create.features = VDISK_FEATURE_LAYERING;
    journey->create.data_pool = "p";
    if (queued)
        assert_int_equal(vdisk_queue_create(&journey->queue, NULL, NULL), 0);
}

static void unpack(struct journey *journey)
{
    vdisk_uri_free(journey->snapshot);
    vdisk_uri_free(journey->new);
    vdisk_uri_free(journey->clone);
    vdisk_uri_free(journey->renamed);
    assert_int_equal(vdisk_queue_destroy(journey->queue), 0);
}

static void travel(struct journey *journey)
{
    make(journey);
    list(journey);
    move(journey);
    flatten(journey);
}

/* Failures that the library may, and does, swallow. */
static bool may_be_swallowed(const char *function, int error)
{
    static const struct {
        const char *function;
        /* 0: any. */
        int error;
    } harmless[] = {
        {"rados_conf_get", 0},
        {"rbd_get_size", 0},
        {"rbd_update_unwatch", 0},
        /* Of an image that was only looked at; test_faults.c sees to the others. */
        {"rbd_close", 0},
        {"rados_conf_read_file", ENOENT},
        {"rbd_get_parent", ENOENT},
        /* The rest of a broken-off removal. */
        {"rbd_open_read_only", ENOENT},
        /* Part of opening, for the library. */
        {"rbd_get_overlap", ENOENT},
    };

    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        if (strcmp(function, harmless[i].function) == 0 && (!harmless[i].error || harmless[i].error == error))
            return true;
    }
    return false;
}

static void start_world(struct journey *journey, void **state, bool queued)
{
    assert_int_equal(set_up_parent(state), 0);
    pack(journey, queued);
}

static void end_world(struct journey *journey, void **state)
{
    unpack(journey);
    check_nothing_left();
    tear_down_cluster(state);
}

static void sweep_calls(void **state, bool queued, int error)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct journey journey;

        start_world(&journey, state, queued);
        fake_fail_nth(++n, error);
        travel(&journey);
        struck = fake_failed();
        if (struck && journey.failure == 0 && !may_be_swallowed(fake_failed_name(), error))
            fail_msg("call %u, %s: the caller never learned that it failed", n, fake_failed_name());
        if (!struck)
            assert_int_equal(journey.failure, 0);
        end_world(&journey, state);
    } while (struck);
    assert_true(n > 60);
}

static void every_call_may_fail(void **state)
{
    sweep_calls(state, false, EIO);
}

static void every_call_may_fail_on_a_queue(void **state)
{
    sweep_calls(state, true, EIO);
}

static void every_call_may_find_nothing(void **state)
{
    sweep_calls(state, false, ENOENT);
}

static void every_call_may_be_busy(void **state)
{
    sweep_calls(state, true, EBUSY);
}

/* Of all threads together: a queue's operations allocate on others. */
static void sweep_allocations(void **state, bool queued)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct journey journey;

        start_world(&journey, state, queued);
        wrap_fail_nth_anywhere(++n);
        travel(&journey);
        struck = wrap_disarm();
        if (!struck)
            assert_int_equal(journey.failure, 0);
        /* A disk's background jobs do without a thread of their own. */
        else if (journey.failure != 0 || strcmp(wrap_failed_name(), "pthread_create") != 0)
            assert_true(journey.failure == -ENOMEM || journey.failure == -EAGAIN);
        end_world(&journey, state);
    } while (struck);
    assert_true(n > 60);
}

static void every_allocation_and_thread_may_fail(void **state)
{
    sweep_allocations(state, false);
}

static void every_allocation_and_thread_may_fail_on_a_queue(void **state)
{
    sweep_allocations(state, true);
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
