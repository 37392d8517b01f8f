/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller cancels requests, retries them, and closes the disk within a time, while each call into librbd and librados,
 * each allocation, thread and pipe fails in turn.
 */
#include "cancel_helpers.h"

#include "sweep_helpers.h"

static void reap_all(struct outcome *outcome, struct vdisk_queue *queue)
{
    while (vdisk_queue_in_flight(queue) > 0) {
        struct vdisk_completion done = next_of(queue);

        outcome->completed++;
        /* A cancelled request is no failure. */
        if (done.result != -ECANCELED)
            note(outcome, done.result, NULL);
    }
}

/* A request that waits for a write which librbd has cancelled on waits for ever. */
static void cancel_what_is_stuck(struct vdisk_queue *queue, struct vdisk *disk)
{
    wait_until(info_of(disk).detached_requests == 0);
    if (info_of(disk).indeterminate_writes > 0)
        vdisk_queue_cancel(queue, &b);
}

static void cancel_and_retry(struct outcome *outcome, struct vdisk_queue *queue, struct vdisk *disk)
{
    static unsigned char buffer[4096];

    fake_hold(FAKE_CHANGE);
    note_submission(outcome, write_as(&a, queue, disk, buffer, sizeof buffer, 0, 0));
    note_submission(outcome, read_as(&a, queue, disk, buffer, sizeof buffer, MIB, 0));
    vdisk_queue_cancel(queue, &a);
    note_submission(outcome, write_as(&b, queue, disk, buffer, sizeof buffer, 0, 0));
    note_submission(outcome, vdisk_aio_discard(queue, disk, MIB, 0, 0, &b));
    note_submission(outcome, vdisk_aio_flush(queue, disk, 0, &b));
    fake_release_all();
    cancel_what_is_stuck(queue, disk);
    reap_all(outcome, queue);
}

/* Returns whether the disk is to be closed otherwise. */
static bool close_on_queue(struct outcome *outcome, struct vdisk_queue *queue, struct vdisk *disk)
{
    int r = vdisk_aio_close(queue, disk, 600000, 0, &b, NULL);

    note_submission(outcome, r);
    reap_all(outcome, queue);
    return r < 0;
}

static void close_by_call(struct outcome *outcome, struct vdisk *disk)
{
    int r = vdisk_close_within(disk, 600000, NULL);

    note(outcome, r, NULL);
    /* These two leave it open. */
    if (r == -ENOMEM || r == -EAGAIN)
        note(outcome, vdisk_close(disk, NULL), NULL);
}

static void run_and_close(struct outcome *outcome, bool by_queue)
{
    struct vdisk_open_options options;
    struct vdisk_queue *queue;
    struct vdisk *disk;
    bool to_close = true;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.io_timeout_ms = 3600 * 1000;
    r = vdisk_open_uri(&disk, IMAGE_URI, &options, NULL);
    note(outcome, r, NULL);
    if (r < 0)
        return;
    r = vdisk_queue_create(&queue, NULL, NULL);
    note(outcome, r, NULL);
    if (r == 0)
        cancel_and_retry(outcome, queue, disk);
    if (r == 0 && by_queue)
        to_close = close_on_queue(outcome, queue, disk);
    if (to_close)
        close_by_call(outcome, disk);
    if (r == 0)
        assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void run_by_queue(struct outcome *outcome, void *context)
{
    (void)context;
    run_and_close(outcome, true);
}

static void run_by_call(struct outcome *outcome, void *context)
{
    (void)context;
    run_and_close(outcome, false);
}

static const struct scenario by_queue = {.run = run_by_queue}, by_call = {.run = run_by_call};

static void nothing_fails_when_nothing_is_made_to(void **state)
{
    (void)state;
    assert_int_equal(run_without_failure(&by_queue).accepted, 6);
    run_without_failure(&by_call);
}

static const struct harmless harmless[] = {
    /* The library reads defaults and the keyring with it, and goes on without them. */
    {"rados_conf_get", 0},
    /* Closing goes on without it. */
    {"rbd_update_unwatch", 0},
    /* The caller has cancelled the request before it fails. */
    {"rbd_aio_read", 0},
    {"rbd_aio_write", 0},
    {NULL, 0},
};

static void every_call_may_fail(void **state)
{
    static const int errors[] = {EIO, ETIMEDOUT, ESHUTDOWN};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(sweep_calls(i % 2 ? &by_queue : &by_call, FAKE_AT_SUBMISSION, errors[i], harmless) >= 20);
        assert_true(sweep_calls(&by_queue, FAKE_AT_COMPLETION, errors[i], harmless) >= 20);
        assert_true(sweep_calls(&by_call, FAKE_AT_COMPLETION, errors[i], harmless) >= 20);
    }
}

static void every_allocation_thread_and_pipe_may_fail(void **state)
{
    /*
     * Without a thread for its alarm a queue rings at once, and its owner looks at the time itself. The executor needs
     * no new thread when it has one.
     */
    static const struct harmless without_thread[] = {{"pthread_create", 0}, {NULL, 0}};

    (void)state;
    assert_true(sweep_allocations(&by_queue, without_thread) >= 20);
    assert_true(sweep_allocations(&by_call, without_thread) >= 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fails_when_nothing_is_made_to),
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(every_allocation_thread_and_pipe_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
