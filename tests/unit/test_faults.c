/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fails every call into librbd and librados, every allocation, thread and pipe in turn, one at a time, while a caller
 * goes through all there is; and looks that nothing leaks, crashes, hangs, or is done in silence.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <vdisk/vdisk.h>

#include "fake.h"
#include "wrap.h"

#define IMAGE_SIZE (UINT64_C(16) << 20)

/* What the caller saw: the first failure, and how many requests were accepted and completed. */
struct journey {
    int failure;
    unsigned int accepted;
    unsigned int completed;
    /* Of requests that completed with an error. */
    unsigned int failed;
};

static void note(struct journey *journey, int r, const struct vdisk_error *err)
{
    if (err) {
        assert_int_equal(err->code, r);
        assert_int_equal(err->message[0] != '\0', r < 0);
    }
    if (r < 0 && journey->failure == 0)
        journey->failure = r;
}

static void reap_all(struct journey *journey, struct vdisk_queue *queue)
{
    struct vdisk_completion done[3];
    int n;

    while ((n = vdisk_queue_wait(queue, done, 1, 3, -1)) > 0) {
        for (int i = 0; i < n; i++) {
            journey->completed++;
            if (done[i].result < 0)
                journey->failed++;
            note(journey, done[i].result, NULL);
        }
    }
    assert_int_equal(n, 0);
}

static void use_queue(struct journey *journey, struct vdisk *disk)
{
    static unsigned char buffer[12 * 512];
    struct vdisk_error err;
    struct vdisk_queue *queue;
    struct iovec iov[12];
    int r = vdisk_queue_create(&queue, NULL, &err);

    note(journey, r, &err);
    if (r < 0) {
        assert_null(queue);
        return;
    }
    for (size_t i = 0; i < 12; i++)
        iov[i] = (struct iovec){buffer + i * 512, 512};
    for (uint32_t flags = 0; flags <= VDISK_IO_ZERO_COPY; flags++) {
        int results[] = {
            vdisk_aio_writev(queue, disk, iov, 12, 4096, flags, NULL),
            vdisk_aio_flush(queue, disk, 0, NULL),
            vdisk_aio_readv(queue, disk, iov, 12, 0, flags, NULL),
        };

        for (size_t i = 0; i < 3; i++) {
            journey->accepted += results[i] == 0;
            note(journey, results[i], NULL);
        }
        assert_int_equal(vdisk_queue_drain(queue), 0);
        reap_all(journey, queue);
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void use_disk(struct journey *journey, struct vdisk *disk)
{
    static unsigned char buffer[9 << 20];
    struct vdisk_snapshot *list;
    struct vdisk_error err;
    size_t count;

    note(journey, vdisk_pwrite(disk, buffer, sizeof buffer, 1000, 0, &err), &err);
    note(journey, vdisk_flush(disk, &err), &err);
    note(journey, vdisk_pread(disk, buffer, sizeof buffer, 1000, VDISK_IO_ZERO_COPY, &err), &err);
    note(journey, vdisk_resize(disk, IMAGE_SIZE + 4096, 0, &err), &err);
    note(journey, vdisk_snapshot_create(disk, "s", 0, &err), &err);
    note(journey, vdisk_snapshot_protect(disk, "s", 0, &err), &err);
    note(journey, vdisk_snapshot_list(&list, &count, disk, &err), &err);
    assert_int_equal(list != NULL, count > 0);
    vdisk_snapshot_list_free(list);
    note(journey, vdisk_snapshot_unprotect(disk, "s", 0, &err), &err);
    note(journey, vdisk_snapshot_rollback(disk, "s", 0, &err), &err);
    note(journey, vdisk_snapshot_remove(disk, "s", 0, &err), &err);
    use_queue(journey, disk);
}

static void open_use_close(struct journey *journey, const char *uri, uint32_t flags, bool use)
{
    struct vdisk_open_options options;
    struct vdisk_error err;
    struct vdisk *disk;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    r = vdisk_open_uri(&disk, uri, &options, &err);
    note(journey, r, &err);
    assert_int_equal(disk == NULL, r < 0);
    if (r < 0)
        return;
    if (use)
        use_disk(journey, disk);
    note(journey, vdisk_close(disk, &err), &err);
}

static void travel(struct journey *journey)
{
    struct vdisk_create_options create;
    struct vdisk_error err;
    struct vdisk_uri *uri;
    int r;

    memset(journey, 0, sizeof *journey);
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = 65536;
    r = vdisk_uri_parse(&uri, "rbd:p/n/new", &err);
    note(journey, r, &err);
    assert_int_equal(uri == NULL, r < 0);
    if (r == 0)
        note(journey, vdisk_create(uri, 1 << 20, &create, NULL, &err), &err);
    vdisk_uri_free(uri);
    open_use_close(journey, "rbd:p/i:rbd_cache=false", 0, true);
    open_use_close(journey, "rbd:p/i@fixed", VDISK_OPEN_READ_ONLY, false);
    open_use_close(journey, "rbd:p/i", VDISK_OPEN_READ_ONLY, false);
}

static void make_world(void)
{
    fake_reset();
    fake_create_pool("p");
    fake_create_namespace("p", "n");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    fake_create_snapshot("p", "", "i", "fixed", RBD_SNAP_NAMESPACE_TYPE_USER);
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
    make_world();
    travel(&journey);
    assert_int_equal(journey.failure, 0);
    assert_int_equal(journey.accepted, 6);
    check_after(&journey);
    fake_reset();
}

/* Failures that the library may, and does, swallow. Of each the reason; every other must reach the caller. */
static bool may_be_swallowed(const char *function, int error)
{
    static const struct {
        const char *function;
        /* 0: any. */
        int error;
    } harmless[] = {
        /* Looked at for defaults and for a keyring; not found is as good as empty. */
        {"rados_conf_get", 0},
        /* After a change, to have the new size at once; the watch brings it too. */
        {"rbd_get_size", 0},
        /* Closing goes on. */
        {"rbd_update_unwatch", 0},
        /* On the default search path no file is no error. */
        {"rados_conf_read_file", ENOENT},
        /* A snapshot went while the list was made. */
        {"rbd_snap_get_namespace_type", ENOENT},
        {"rbd_snap_is_protected", ENOENT},
        /* What has no parent is no clone. */
        {"rbd_get_parent", ENOENT},
    };

    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        if (strcmp(function, harmless[i].function) == 0 && (!harmless[i].error || harmless[i].error == error))
            return true;
    }
    return false;
}

static void sweep_calls(enum fake_when when, int error)
{
    unsigned int n = 0;
    bool struck;

    do {
        struct journey journey;

        make_world();
        fake_fail_mode(when);
        fake_fail_nth(++n, error);
        travel(&journey);
        struck = fake_failed();
        if (struck && journey.failure == 0 && !may_be_swallowed(fake_failed_name(), error))
            fail_msg("call %u, %s: the caller never learned that it failed", n, fake_failed_name());
        if (!struck)
            assert_int_equal(journey.failure, 0);
        check_after(&journey);
        fake_reset();
    } while (struck);
    /* As many calls as a journey has, each failed once. */
    assert_true(n > 60);
}

static void every_call_may_fail_at_submission(void **state)
{
    (void)state;
    sweep_calls(FAKE_AT_SUBMISSION, EIO);
}

static void every_call_may_fail_at_completion(void **state)
{
    (void)state;
    sweep_calls(FAKE_AT_COMPLETION, EIO);
}

static void every_call_may_find_nothing(void **state)
{
    (void)state;
    sweep_calls(FAKE_AT_COMPLETION, ENOENT);
}

static void every_call_may_be_fenced(void **state)
{
    (void)state;
    sweep_calls(FAKE_AT_COMPLETION, ESHUTDOWN);
}

static void every_allocation_thread_and_pipe_may_fail(void **state)
{
    unsigned int n = 0;
    bool struck;

    (void)state;
    do {
        struct journey journey;

        make_world();
        wrap_fail_nth(++n);
        travel(&journey);
        struck = wrap_disarm();
        if (struck && journey.failure == 0)
            fail_msg("allocation %u, %s: the caller never learned that it failed", n, wrap_failed_name());
        if (struck)
            assert_true(journey.failure == -ENOMEM || journey.failure == -EAGAIN || journey.failure == -EMFILE);
        check_after(&journey);
        fake_reset();
    } while (struck);
    assert_true(n > 20);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_fails_when_nothing_is_made_to),
        cmocka_unit_test(every_call_may_fail_at_submission),
        cmocka_unit_test(every_call_may_fail_at_completion),
        cmocka_unit_test(every_call_may_find_nothing),
        cmocka_unit_test(every_call_may_be_fenced),
        cmocka_unit_test(every_allocation_thread_and_pipe_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
