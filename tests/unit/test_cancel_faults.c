/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fails every call into librbd and librados, every allocation and thread in turn, while a caller gives requests up,
 * retries them, and closes within a time; and looks that each request completes once, that nothing leaks or hangs.
 */
#include "cancel_helpers.h"

#include "wrap.h"

struct journey {
    /* The first failure that the caller saw, cancellations left out. */
    int failure;
    unsigned int accepted;
    unsigned int completed;
};

static void note(struct journey *journey, int r)
{
    if (r < 0 && r != -ECANCELED && journey->failure == 0)
        journey->failure = r;
}

static void note_submission(struct journey *journey, int r)
{
    journey->accepted += r == 0;
    note(journey, r);
}

static void reap_all(struct journey *journey, struct vdisk_queue *queue)
{
    while (vdisk_queue_in_flight(queue) > 0) {
        struct vdisk_completion done = next_of(queue);

        journey->completed++;
        note(journey, done.result);
    }
}

/* What waits for a write that librbd has cancelled waits for ever. */
static void cancel_what_is_stuck(struct vdisk_queue *queue, struct vdisk *disk)
{
    wait_until(info_of(disk).detached_requests == 0);
    if (info_of(disk).indeterminate_writes > 0)
        vdisk_queue_cancel(queue, &b);
}

static void cancel_and_retry(struct journey *journey, struct vdisk_queue *queue, struct vdisk *disk)
{
    static unsigned char buffer[4096];

    fake_hold(FAKE_CHANGE);
    note_submission(journey, write_as(&a, queue, disk, buffer, sizeof buffer, 0, 0));
    note_submission(journey, read_as(&a, queue, disk, buffer, sizeof buffer, MIB, 0));
    vdisk_queue_cancel(queue, &a);
    note_submission(journey, write_as(&b, queue, disk, buffer, sizeof buffer, 0, 0));
    note_submission(journey, vdisk_aio_discard(queue, disk, MIB, 0, 0, &b));
    note_submission(journey, vdisk_aio_flush(queue, disk, 0, &b));
    fake_release_all();
    cancel_what_is_stuck(queue, disk);
    reap_all(journey, queue);
}

/* Returns whether the disk is to be closed otherwise. */
static bool close_on_queue(struct journey *journey, struct vdisk_queue *queue, struct vdisk *disk)
{
    int r = vdisk_aio_close(queue, disk, 600000, 0, &b, NULL);

    note_submission(journey, r);
    reap_all(journey, queue);
    return r < 0;
}

static void close_by_call(struct journey *journey, struct vdisk *disk)
{
    int r = vdisk_close_within(disk, 600000, NULL);

    note(journey, r);
    /* These two leave it open. */
    if (r == -ENOMEM || r == -EAGAIN)
        note(journey, vdisk_close(disk, NULL));
}

static void travel(struct journey *journey, bool by_queue)
{
    struct vdisk_open_options options;
    struct vdisk_queue *queue;
    struct vdisk *disk;
    bool to_close = true;
    int r;

    *journey = (struct journey){0};
    vdisk_open_options_init(&options, sizeof options);
    options.io_timeout_ms = 3600 * 1000;
    r = vdisk_open_uri(&disk, IMAGE_URI, &options, NULL);
    note(journey, r);
    if (r < 0)
        return;
    r = vdisk_queue_create(&queue, NULL, NULL);
    note(journey, r);
    if (r == 0)
        cancel_and_retry(journey, queue, disk);
    if (r == 0 && by_queue)
        to_close = close_on_queue(journey, queue, disk);
    if (to_close)
        close_by_call(journey, disk);
    if (r == 0)
        assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void check_after(const struct journey *journey)
{
    char leaks[1024];

    assert_int_equal(journey->completed, journey->accepted);
    if (fake_leaks(leaks, sizeof leaks) > 0)
        fail_msg("left behind: %s", leaks);
}

static void nothing_fails_when_nothing_is_made_to(void **state)
{
    struct journey journey;

    (void)state;
    travel(&journey, true);
    assert_int_equal(journey.failure, 0);
    assert_int_equal(journey.accepted, 6);
    check_after(&journey);
    travel(&journey, false);
    assert_int_equal(journey.failure, 0);
    check_after(&journey);
}

static void sweep_calls(enum fake_when when, int error, bool by_queue)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct journey journey;

        tear_down_cluster(NULL);
        set_up_cluster(NULL);
        fake_fail_mode(when);
        fake_fail_nth(++n, error);
        travel(&journey, by_queue);
        struck = fake_failed();
        if (!struck)
            assert_int_equal(journey.failure, 0);
        fake_fail_nth(0, 0);
        check_after(&journey);
    } while (struck);
    assert_true(n > 20);
}

static void every_call_may_fail(void **state)
{
    static const int errors[] = {EIO, ETIMEDOUT, ESHUTDOWN};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        sweep_calls(FAKE_AT_SUBMISSION, errors[i], i % 2);
        sweep_calls(FAKE_AT_COMPLETION, errors[i], true);
        sweep_calls(FAKE_AT_COMPLETION, errors[i], false);
    }
}

static void sweep_memory(bool by_queue)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct journey journey;
        const char *name;

        tear_down_cluster(NULL);
        set_up_cluster(NULL);
        wrap_fail_nth(++n);
        travel(&journey, by_queue);
        struck = wrap_disarm();
        name = struck ? wrap_failed_name() : "";
        /* Without a thread for its alarm, or with one that is there already, it does as well. */
        if (struck && journey.failure == 0 && strcmp(name, "pthread_create") != 0)
            fail_msg("allocation %u, %s: the caller never learned that it failed", n, name);
        if (struck && journey.failure < 0)
            assert_true(journey.failure == -ENOMEM || journey.failure == -EAGAIN || journey.failure == -EMFILE);
        check_after(&journey);
    } while (struck);
    assert_true(n > 20);
}

static void every_allocation_thread_and_pipe_may_fail(void **state)
{
    (void)state;
    sweep_memory(true);
    sweep_memory(false);
}

#define CLUSTER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CLUSTER_TEST(nothing_fails_when_nothing_is_made_to),
        CLUSTER_TEST(every_call_may_fail),
        CLUSTER_TEST(every_allocation_thread_and_pipe_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
