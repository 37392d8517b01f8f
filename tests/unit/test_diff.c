/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What has changed since a snapshot; and maps and diffs on a queue. */
#include "extent_helpers.h"

#include <errno.h>
#include <string.h>

/* What is told. */

static void a_diff_tells_only_of_changes(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(0);
    put_byte(3 * OBJECT);
    take_snapshot("s");
    assert_no_diff(fixture->disk, "s");
    put_byte(OBJECT + 7);
    put_byte(3 * OBJECT + 5000);
    assert_diff(fixture->disk, "s", {OBJECT, OBJECT, DATA, 0}, {3 * OBJECT, OBJECT, DATA, 0});
    assert_diff(fixture->disk, NULL, {0, 2 * OBJECT, DATA, 0}, {3 * OBJECT, OBJECT, DATA, 0});
}

static void without_a_valid_map_a_diff_is_finer(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(3 * OBJECT);
    take_snapshot("s");
    put_byte(OBJECT + 7);
    put_byte(3 * OBJECT + 5000);
    fake_invalidate_maps("p", "", "i");
    assert_diff(fixture->disk, "s", {OBJECT, 4096, DATA, 0}, {3 * OBJECT + 4096, 4096, DATA, 0});
}

static void a_diff_of_a_range(void **state)
{
    const struct fixture *fixture = *state;

    take_snapshot("s");
    put_byte(OBJECT);
    assert_diff_of(fixture->disk, "s", OBJECT + 1, OBJECT, 0, {OBJECT + 1, OBJECT - 1, DATA, 0});
    assert_diff_of(fixture->disk, "s", OBJECT - 1, 2, 0, {OBJECT, 1, DATA, 0});
}

static void data_that_is_gone_reads_as_zeroes(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(2 * OBJECT);
    take_snapshot("s");
    assert_int_equal(vdisk_resize(fixture->disk, OBJECT, VDISK_RESIZE_SHRINK, NULL), 0);
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
    put_byte(3 * OBJECT);
    assert_diff(fixture->disk, "s", {2 * OBJECT, OBJECT, ZERO, 0}, {3 * OBJECT, OBJECT, DATA, 0});
    /* It never was there, as far as that goes. */
    assert_diff(fixture->disk, NULL, {3 * OBJECT, OBJECT, DATA, 0});
    assert_map_of(fixture->disk, OBJECT, 3 * OBJECT, 0, {OBJECT, 2 * OBJECT, ZERO, 0}, {3 * OBJECT, OBJECT, DATA, 0});
}

static void what_a_smaller_image_lost_is_told(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;

    put_byte(2 * OBJECT);
    take_snapshot("a");
    assert_int_equal(vdisk_resize(fixture->disk, OBJECT, VDISK_RESIZE_SHRINK, NULL), 0);
    take_snapshot("b");
    assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
    put_byte(0);
    assert_diff(fixture->disk, "a", {0, 4096, DATA, 0}, {2 * OBJECT, 4096, ZERO, 0});
    /* From the other on the maps will do. */
    assert_diff(fixture->disk, "b", {0, OBJECT, DATA, 0});
    take_snapshot("c");
    put_byte(OBJECT);
    disk = open_disk("rbd:p/i@c", VDISK_OPEN_READ_ONLY);
    assert_diff(disk, "a", {0, 4096, DATA, 0}, {2 * OBJECT, 4096, ZERO, 0});
    close_disk(disk);
}

static void the_maps_will_do_when_the_image_stays_smaller(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(5 * OBJECT);
    take_snapshot("a");
    assert_int_equal(vdisk_resize(fixture->disk, 2 * OBJECT, VDISK_RESIZE_SHRINK, NULL), 0);
    take_snapshot("b");
    put_byte(0);
    assert_diff(fixture->disk, "a", {0, OBJECT, DATA, 0});
}

static void a_diff_ends_at_the_disks_own_snapshot(void **state)
{
    struct vdisk *disk;

    (void)state;
    put_byte(0);
    take_snapshot("a");
    put_byte(OBJECT);
    take_snapshot("b");
    put_byte(2 * OBJECT);
    take_snapshot("c");
    disk = open_disk("rbd:p/i@b", VDISK_OPEN_READ_ONLY);
    assert_diff(disk, "a", {OBJECT, OBJECT, DATA, 0});
    assert_diff(disk, NULL, {0, 2 * OBJECT, DATA, 0});
    assert_no_diff(disk, "b");
    close_disk(disk);
}

static void a_read_only_disk_knows_new_snapshots(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    put_byte(0);
    take_snapshot("s");
    put_byte(OBJECT);
    assert_diff(disk, "s", {OBJECT, OBJECT, DATA, 0});
    close_disk(disk);
}

static void a_diff_from_the_beginning_counts_the_parent_as_asked(void **state)
{
    struct vdisk *disk;

    (void)state;
    put_byte(0);
    take_snapshot("s");
    fake_create_clone("p", "", "i", "s", 2, "c");
    fake_image_write("p", "", "c", OBJECT, "y", 1);
    disk = open_disk("rbd:p/c", 0);
    assert_diff(disk, NULL, {0, 2 * OBJECT, DATA, 0});
    assert_diff_of(disk, NULL, 0, IMAGE_SIZE, 0, {OBJECT, OBJECT, DATA, 0});
    close_disk(disk);
}

/* What goes wrong. */

static void refused(struct vdisk *disk, const char *from, int code, const char *part)
{
    const struct question question = {.disk = disk, .is_diff = true, .from = from, .length = 1};
    struct vdisk_extent extent;
    struct vdisk_error err;
    uint64_t next = 99;
    size_t count = 1;

    assert_int_equal(ask(&question, &extent, &count, &next, &err), code);
    assert_says(&err, code, part);
    assert_int_equal(count, 0);
    assert_int_equal(next, 0);
}

static void snapshots_must_be_there_and_older(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;

    take_snapshot("a");
    take_snapshot("b");
    fake_create_snapshot("p", "", "i", "g", RBD_SNAP_NAMESPACE_TYPE_GROUP);
    refused(fixture->disk, "none", -ENOENT, "no snapshot \"none\"");
    refused(fixture->disk, "g", -ENOENT, "no snapshot \"g\"");
    refused(fixture->disk, "", -EINVAL, "empty");
    disk = open_disk("rbd:p/i@a", VDISK_OPEN_READ_ONLY);
    refused(disk, "b", -EINVAL, "not older than snapshot \"a\"");
    close_disk(disk);
}

static void a_snapshot_that_was_replaced_is_missed(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *disk;

    take_snapshot("a");
    take_snapshot("b");
    disk = open_disk("rbd:p/i@b", VDISK_OPEN_READ_ONLY);
    assert_int_equal(vdisk_snapshot_remove(fixture->disk, "a", 0, NULL), 0);
    refused(disk, "a", -ENOENT, "removed");
    take_snapshot("a");
    refused(disk, "a", -ENOENT, "removed");
    close_disk(disk);
}

/* On a queue. */

struct answer {
    struct vdisk_extent extents[4];
    size_t count;
    uint64_t next;
};

static int submit(const struct fixture *fixture, struct answer *answer, const char *from, uint64_t length,
                  uint32_t flags, struct vdisk_error *err)
{
    answer->count = 4;
    answer->next = 99;
    memset(answer->extents, 0x5a, sizeof answer->extents);
    if (from)
        return vdisk_aio_diff(fixture->queue, answer->extents, &answer->count, &answer->next, fixture->disk, from, 0,
                              length, flags, NULL, err);
    return vdisk_aio_extents(fixture->queue, answer->extents, &answer->count, &answer->next, fixture->disk, 0, length,
                             flags, NULL, err);
}

static bool is_untouched(const struct answer *answer)
{
    return answer->count == 0 && answer->next == 0 && answer->extents[0].flags == 0x5a5a5a5a;
}

static void the_answer_comes_with_the_completion(void **state)
{
    const struct fixture *fixture = *state;
    struct answer map, diff;
    char from[] = "s";

    put_byte(0);
    take_snapshot("s");
    put_byte(OBJECT);
    fake_block_call("rbd_diff_iterate2");
    assert_int_equal(submit(fixture, &map, NULL, IMAGE_SIZE, PARENT, NULL), 0);
    assert_int_equal(submit(fixture, &diff, from, IMAGE_SIZE, PARENT, NULL), 0);
    from[0] = 'x';
    assert_true(fake_wait_blocked("rbd_diff_iterate2"));
    assert_int_equal(vdisk_queue_in_flight(fixture->queue), 2);
    fake_unblock_call("rbd_diff_iterate2");
    assert_int_equal(vdisk_queue_drain(fixture->queue), 0);
    assert_true(is_untouched(&map));
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(map.count, 2);
    assert_int_equal(map.extents[0].length, 2 * OBJECT);
    assert_int_equal(map.next, IMAGE_SIZE);
    assert_true(is_untouched(&diff));
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_int_equal(diff.count, 1);
    assert_int_equal(diff.extents[0].offset, OBJECT);
    assert_int_equal(diff.next, IMAGE_SIZE);
}

static void a_failure_comes_with_the_completion(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_completion completion;
    struct vdisk_error err;
    struct answer answer;

    assert_int_equal(submit(fixture, &answer, "none", 1, 0, &err), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &completion, 1, 1, -1), 1);
    assert_int_equal(completion.result, -ENOENT);
    assert_int_equal(vdisk_queue_error(fixture->queue, &completion, &err), -ENOENT);
    assert_says(&err, -ENOENT, "no snapshot \"none\"");
    assert_true(is_untouched(&answer));
    assert_int_equal(submit(fixture, &answer, NULL, IMAGE_SIZE + 1, 0, &err), 0);
    assert_int_equal(reap_one(fixture->queue), -EINVAL);
    assert_true(is_untouched(&answer));
}

static void a_queue_refuses_what_is_not_valid(void **state)
{
    struct fixture none = *(const struct fixture *)*state;
    struct vdisk_error err;
    struct answer answer;

    none.queue = NULL;
    assert_int_equal(submit(&none, &answer, NULL, 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "queue");
    none = *(const struct fixture *)*state;
    assert_int_equal(submit(&none, &answer, "s", 1, 2, &err), -EINVAL);
    assert_says(&err, -EINVAL, "0x2");
    assert_int_equal(submit(&none, &answer, "s", 1, VDISK_AIO_PROGRESS, &err), -EINVAL);
    none.disk = NULL;
    assert_int_equal(submit(&none, &answer, NULL, 1, 0, &err), -EINVAL);
    assert_true(is_untouched(&answer));
    assert_int_equal(vdisk_queue_in_flight(none.queue), 0);
}

int main(void)
{
#define DISK_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_disk, tear_down_disk)
    const struct CMUnitTest tests[] = {
        DISK_TEST(a_diff_tells_only_of_changes),
        DISK_TEST(without_a_valid_map_a_diff_is_finer),
        DISK_TEST(a_diff_of_a_range),
        DISK_TEST(data_that_is_gone_reads_as_zeroes),
        DISK_TEST(what_a_smaller_image_lost_is_told),
        DISK_TEST(the_maps_will_do_when_the_image_stays_smaller),
        DISK_TEST(a_diff_ends_at_the_disks_own_snapshot),
        DISK_TEST(a_read_only_disk_knows_new_snapshots),
        DISK_TEST(a_diff_from_the_beginning_counts_the_parent_as_asked),
        DISK_TEST(snapshots_must_be_there_and_older),
        DISK_TEST(a_snapshot_that_was_replaced_is_missed),
        DISK_TEST(the_answer_comes_with_the_completion),
        DISK_TEST(a_failure_comes_with_the_completion),
        DISK_TEST(a_queue_refuses_what_is_not_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
