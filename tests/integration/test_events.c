/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching disks while `rbd` and `ceph` do things to their images; and dropping a cache that others have made stale.
 */
#include "fencing.h"
#include "support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define SIZE MIB(16)

static char tag;

/* An image, open; and a queue that watches it. */
struct watched {
    const char *image;
    struct vdisk *disk;
    struct vdisk_queue *queue;
};

static void watch(struct watched *watched)
{
    struct vdisk_error err;

    assert_done(vdisk_aio_watch(watched->queue, watched->disk, 0, &tag, &err), &err);
}

static struct watched set_up_watched(uint32_t flags)
{
    struct vdisk_open_options options = default_options(flags);
    struct watched watched = {.image = new_image(), .queue = new_queue(1)};

    options.size_poll_ms = 100;
    RBD("create", "--size", "16M", watched.image);
    watched.disk = open_disk_with(watched.image, &options);
    watch(&watched);
    return watched;
}

/* As an event loop does it. */
static struct vdisk_completion next(struct vdisk_queue *queue)
{
    struct pollfd ready = {.fd = vdisk_queue_get_fd(queue), .events = POLLIN};
    struct vdisk_completion done;

    do
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    while (vdisk_queue_reap(queue, &done, 1) == 0);
    assert_ptr_equal(done.user_data, &tag);
    return done;
}

/* Waits until these are told, however many completions that takes; nothing else may be. */
static void wait_for(const struct watched *watched, uint64_t events)
{
    while (events) {
        struct vdisk_completion done = next(watched->queue);

        assert_int_equal(done.result, 0);
        assert_int_equal(done.flags, VDISK_COMPLETION_MORE);
        assert_int_not_equal(done.value, 0);
        assert_int_equal(done.value & ~events, 0);
        events &= ~done.value;
    }
}

static void take_down(struct watched *watched)
{
    struct vdisk_completion done;

    close_disk(watched->disk);
    done = next(watched->queue);
    assert_int_equal(done.result, -ESHUTDOWN);
    assert_int_equal(done.flags, 0);
    assert_int_equal(done.value, 0);
    assert_int_equal(vdisk_queue_destroy(watched->queue), 0);
}

static uint64_t size_by_rbd(const char *image)
{
    char *info = RBD_OUTPUT("info", image, "--format", "json");
    uint64_t size = json_number(info, "size");

    free(info);
    return size;
}

/* What rbd does to the image of a disk of either kind. */
static void follow_rbd(struct watched *watched)
{
    RBD("resize", "--no-progress", "--size", "24M", watched->image);
    wait_for(watched, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(watched->disk), size_by_rbd(watched->image));
    RBD("resize", "--no-progress", "--allow-shrink", "--size", "8M", watched->image);
    wait_for(watched, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(watched->disk), size_by_rbd(watched->image));

    RBD("snap", "create", "--no-progress", text("%s@one", watched->image));
    wait_for(watched, VDISK_EVENT_SNAPSHOTS);
    RBD("snap", "rename", text("%s@one", watched->image), text("%s@two", watched->image));
    wait_for(watched, VDISK_EVENT_SNAPSHOTS);
    RBD("snap", "rm", "--no-progress", text("%s@two", watched->image));
    wait_for(watched, VDISK_EVENT_SNAPSHOTS);
}

static void what_rbd_does_is_told(void **state)
{
    struct watched watched = set_up_watched(0);

    (void)state;
    follow_rbd(&watched);
    take_down(&watched);
}

static void what_rbd_does_is_told_of_a_read_only_disk_too(void **state)
{
    struct watched watched = set_up_watched(VDISK_OPEN_READ_ONLY);

    (void)state;
    follow_rbd(&watched);
    take_down(&watched);
}

static void what_this_disk_does_is_told(void **state)
{
    struct watched watched = set_up_watched(0);
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_snapshot_create(watched.disk, "small", 0, &err), &err);
    wait_for(&watched, VDISK_EVENT_SNAPSHOTS);
    assert_done(vdisk_resize(watched.disk, 2 * SIZE, 0, &err), &err);
    wait_for(&watched, VDISK_EVENT_RESIZED);
    assert_done(vdisk_snapshot_rollback(watched.disk, "small", 0, &err), &err);
    wait_for(&watched, VDISK_EVENT_RESIZED);
    assert_int_equal(size_by_rbd(watched.image), SIZE);
    assert_done(vdisk_snapshot_remove(watched.disk, "small", 0, &err), &err);
    wait_for(&watched, VDISK_EVENT_SNAPSHOTS);
    take_down(&watched);
}

static void a_snapshot_from_before_the_watch_is_told(void **state)
{
    struct watched watched = set_up_watched(0);

    (void)state;
    close_disk(watched.disk);
    assert_int_equal(next(watched.queue).flags, 0);
    watched.disk = open_disk(watched.image, 0);
    RBD("snap", "create", "--no-progress", text("%s@one", watched.image));
    watch(&watched);
    wait_for(&watched, VDISK_EVENT_SNAPSHOTS);
    take_down(&watched);
}

static void others_can_have_the_image_open_meanwhile(void **state)
{
    struct watched watched = set_up_watched(0);
    struct watched other = {.image = watched.image, .disk = open_disk(watched.image, 0), .queue = new_queue(1)};
    struct vdisk_error err;

    (void)state;
    watch(&other);
    assert_done(vdisk_resize(watched.disk, 2 * SIZE, 0, &err), &err);
    wait_for(&other, VDISK_EVENT_RESIZED);
    wait_for(&watched, VDISK_EVENT_RESIZED);
    assert_int_equal(vdisk_get_size(other.disk), 2 * SIZE);
    take_down(&other);
    take_down(&watched);
}

/* Fencing. */

static bool is_fenced(void *disk)
{
    char byte;
    int r = vdisk_pread(disk, &byte, 1, 0, 0, NULL);

    assert_true(r == 0 || r == -ESHUTDOWN);
    return r < 0;
}

static void being_fenced_is_told(void **state)
{
    struct watched watched = set_up_watched(0);

    (void)state;
    fence(watched.image);
    wait_until(is_fenced, watched.disk, "the disk is fenced");
    wait_for(&watched, VDISK_EVENT_FENCED);
    take_down(&watched);
}

/* The cache. */

/* Without the exclusive lock, nothing tells librbd that what it has cached is stale. */
static void a_stale_cache_can_be_dropped(void **state)
{
    const char *image = new_image();
    unsigned char *before = pattern(SIZE, 1), *after = pattern(SIZE, 2), *found = malloc(SIZE);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    assert_non_null(found);
    import_image(image, before, SIZE, ARGV("--image-feature", "layering"));
    disk = open_write_back(image);
    assert_done(vdisk_pread(disk, found, SIZE, 0, 0, &err), &err);
    assert_bytes(found, before, SIZE, "the first read");
    succeed(ARGV("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", write_file("after", after, SIZE),
                 qemu_name(image)));
    assert_done(vdisk_invalidate(disk, &err), &err);
    assert_done(vdisk_pread(disk, found, SIZE, 0, 0, &err), &err);
    assert_bytes(found, after, SIZE, "the read after dropping the cache");
    close_disk(disk);
    free(before);
    free(after);
    free(found);
}

static void what_was_written_back_late_is_kept_when_the_cache_is_dropped(void **state)
{
    const char *image = new_image();
    unsigned char *data = pattern(MIB(4), 1);
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    RBD("create", "--size", "4M", image);
    disk = open_write_back(image);
    assert_done(vdisk_pwrite(disk, data, MIB(4), 0, 0, &err), &err);
    assert_done(vdisk_invalidate(disk, &err), &err);
    assert_rbd_exports(image, data, MIB(4));
    close_disk(disk);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_rbd_does_is_told),
        TEST(what_rbd_does_is_told_of_a_read_only_disk_too),
        TEST(what_this_disk_does_is_told),
        TEST(a_snapshot_from_before_the_watch_is_told),
        TEST(others_can_have_the_image_open_meanwhile),
        TEST(being_fenced_is_told),
        TEST(a_stale_cache_can_be_dropped),
        TEST(what_was_written_back_late_is_kept_when_the_cache_is_dropped),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
