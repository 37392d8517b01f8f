/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A caller opens disks and uses them, while each call into librbd and librados, each allocation, thread and pipe fails
 * in turn.
 */
#include "sweep_helpers.h"

#include <errno.h>
#include <string.h>

/* Snapshots copy the image: the smaller it is, the faster. */
#define SMALL_SIZE (16 * MIB)

static void reap_all(struct outcome *outcome, struct vdisk_queue *queue)
{
    struct vdisk_completion done[3];
    int n;

    while ((n = vdisk_queue_wait(queue, done, 1, 3, -1)) > 0) {
        for (int i = 0; i < n; i++) {
            outcome->completed++;
            note(outcome, done[i].result, NULL);
        }
    }
    assert_int_equal(n, 0);
}

static void use_queue(struct outcome *outcome, struct vdisk *disk)
{
    static unsigned char buffer[12 * 512];
    struct vdisk_error err;
    struct vdisk_queue *queue;
    struct iovec iov[12];
    int r = vdisk_queue_create(&queue, NULL, &err);

    note(outcome, r, &err);
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

        for (size_t i = 0; i < 3; i++)
            note_submission(outcome, results[i]);
        assert_int_equal(vdisk_queue_drain(queue), 0);
        reap_all(outcome, queue);
    }
    assert_int_equal(vdisk_queue_in_flight(queue), 0);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
}

static void use_disk(struct outcome *outcome, struct vdisk *disk)
{
    static unsigned char buffer[9 << 20];
    struct vdisk_snapshot *list;
    struct vdisk_error err;
    size_t count;

    note(outcome, vdisk_pwrite(disk, buffer, sizeof buffer, 1000, 0, &err), &err);
    note(outcome, vdisk_flush(disk, &err), &err);
    note(outcome, vdisk_pread(disk, buffer, sizeof buffer, 1000, VDISK_IO_ZERO_COPY, &err), &err);
    note(outcome, vdisk_resize(disk, SMALL_SIZE + 4096, 0, &err), &err);
    note(outcome, vdisk_snapshot_create(disk, "s", 0, &err), &err);
    note(outcome, vdisk_snapshot_protect(disk, "s", 0, &err), &err);
    note(outcome, vdisk_snapshot_list(&list, &count, disk, &err), &err);
    assert_int_equal(list != NULL, count > 0);
    vdisk_snapshot_list_free(list);
    note(outcome, vdisk_snapshot_unprotect(disk, "s", 0, &err), &err);
    note(outcome, vdisk_snapshot_rollback(disk, "s", 0, &err), &err);
    note(outcome, vdisk_snapshot_remove(disk, "s", 0, &err), &err);
    use_queue(outcome, disk);
}

static void open_use_close(struct outcome *outcome, const char *uri, uint32_t flags, bool use)
{
    struct vdisk_open_options options;
    struct vdisk_error err;
    struct vdisk *disk;
    int r;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    r = vdisk_open_uri(&disk, uri, &options, &err);
    note(outcome, r, &err);
    assert_int_equal(disk == NULL, r < 0);
    if (r < 0)
        return;
    if (use)
        use_disk(outcome, disk);
    note(outcome, vdisk_close(disk, &err), &err);
}

static void run_scenario(struct outcome *outcome, void *context)
{
    struct vdisk_create_options create;
    struct vdisk_error err;
    struct vdisk_uri *uri;
    int r;

    (void)context;
    vdisk_create_options_init(&create, sizeof create);
    create.object_size = 65536;
    r = vdisk_uri_parse(&uri, "rbd:p/n/new", &err);
    note(outcome, r, &err);
    assert_int_equal(uri == NULL, r < 0);
    if (r == 0)
        note(outcome, vdisk_create(uri, 1 << 20, &create, NULL, &err), &err);
    vdisk_uri_free(uri);
    open_use_close(outcome, "rbd:p/small:rbd_cache=false", 0, true);
    open_use_close(outcome, "rbd:p/small@fixed", VDISK_OPEN_READ_ONLY, false);
    open_use_close(outcome, "rbd:p/small", VDISK_OPEN_READ_ONLY, false);
}

static void make_image(void *context)
{
    (void)context;
    fake_create_namespace("p", "n");
    fake_create_image("p", "", "small", SMALL_SIZE);
    fake_create_snapshot("p", "", "small", "fixed", RBD_SNAP_NAMESPACE_TYPE_USER);
}

static const struct scenario scenario = {.set_up = make_image, .run = run_scenario};

static void nothing_fails_when_nothing_is_made_to(void **state)
{
    (void)state;
    assert_int_equal(run_without_failure(&scenario).accepted, 6);
}

/* Every other failure must reach the caller. */
static const struct harmless harmless[] = {
    /* The library reads defaults and the keyring with it, and goes on without them. */
    {"rados_conf_get", 0},
    /* It is to show a new size at once; the watch brings the size too. */
    {"rbd_get_size", 0},
    /* Closing goes on without it. */
    {"rbd_update_unwatch", 0},
    /* There need not be a file on the default search path. */
    {"rados_conf_read_file", ENOENT},
    /* The snapshot was removed while the list was made. */
    {"rbd_snap_get_namespace_type", ENOENT},
    {"rbd_snap_is_protected", ENOENT},
    /* An image without a parent is no clone. */
    {"rbd_get_parent", ENOENT},
    {NULL, 0},
};

static void every_call_may_fail_at_submission(void **state)
{
    (void)state;
    assert_true(sweep_calls(&scenario, FAKE_AT_SUBMISSION, EIO, harmless) >= 60);
}

static void every_call_may_fail_at_completion(void **state)
{
    (void)state;
    assert_true(sweep_calls(&scenario, FAKE_AT_COMPLETION, EIO, harmless) >= 60);
}

static void every_call_may_find_nothing(void **state)
{
    (void)state;
    assert_true(sweep_calls(&scenario, FAKE_AT_COMPLETION, ENOENT, harmless) >= 60);
}

static void every_call_may_be_fenced(void **state)
{
    (void)state;
    assert_true(sweep_calls(&scenario, FAKE_AT_COMPLETION, ESHUTDOWN, harmless) >= 60);
}

static void every_allocation_thread_and_pipe_may_fail(void **state)
{
    static const struct harmless none[] = {{NULL, 0}};

    (void)state;
    assert_true(sweep_allocations(&scenario, none) >= 20);
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
