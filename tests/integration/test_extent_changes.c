/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maps and diffs when others change the image at the same time: what a disk that is open cannot know by itself. And
 * what `rbd du` says; and the same on a queue.
 */
#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SIZE MIB(24)
#define OBJECT MIB(4)
#define ROOM 16

struct answer {
    struct vdisk_extent extents[ROOM];
    size_t count;
    uint64_t next;
};

static void must_map(struct answer *answer, struct vdisk *disk)
{
    struct vdisk_error err;

    answer->count = ROOM;
    assert_done(vdisk_extents(answer->extents, &answer->count, &answer->next, disk, 0, vdisk_get_size(disk), 0, &err),
                &err);
    assert_int_equal(answer->next, vdisk_get_size(disk));
}

static void must_diff(struct answer *answer, struct vdisk *disk, const char *from)
{
    struct vdisk_error err;

    answer->count = ROOM;
    assert_done(
        vdisk_diff(answer->extents, &answer->count, &answer->next, disk, from, 0, vdisk_get_size(disk), 0, &err), &err);
    assert_int_equal(answer->next, vdisk_get_size(disk));
}

static void must_not_be_there(struct vdisk *disk, const char *from, const char *part)
{
    struct vdisk_error err;
    struct answer answer = {.count = ROOM};

    assert_failed(vdisk_extents(answer.extents, &answer.count, &answer.next, disk, 0, 1, 0, &err), -ENOENT, &err,
                  FRAGMENTS(part));
    answer.count = ROOM;
    assert_failed(vdisk_diff(answer.extents, &answer.count, &answer.next, disk, from, 0, 1, 0, &err), -ENOENT, &err,
                  FRAGMENTS(part));
}

static uint64_t data_of(const struct answer *answer)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < answer->count; i++)
        sum += answer->extents[i].flags & VDISK_EXTENT_DATA ? answer->extents[i].length : 0;
    return sum;
}

/* A byte in one of the objects, by a disk of its own. */
static void write_object(const char *image, unsigned int index)
{
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    assert_done(vdisk_pwrite(disk, "x", 1, index * OBJECT + 5, 0, &err), &err);
    close_disk(disk);
}

static void take_snapshot(const char *image, const char *name)
{
    RBD("snap", "create", "--no-progress", text("%s@%s", image, name));
}

static const char *image_with_object(unsigned int index)
{
    const char *image = new_image();

    create_image(image, SIZE, OBJECT);
    write_object(image, index);
    return image;
}

static void a_read_only_disk_sees_snapshots_made_after_it_was_opened(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    struct answer answer;

    (void)state;
    take_snapshot(image, "a");
    write_object(image, 0);
    /* From now on the image's own map calls that object unchanged. */
    take_snapshot(image, "b");
    must_diff(&answer, disk, "a");
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.extents[0].offset, 0);
    must_diff(&answer, disk, "b");
    assert_int_equal(answer.count, 0);
    write_object(image, 2);
    must_map(&answer, disk);
    assert_int_equal(data_of(&answer), 2 * OBJECT);
    close_disk(disk);
}

static void an_open_disk_sees_what_others_write(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk = open_disk(image, 0);
    struct answer answer;

    (void)state;
    take_snapshot(image, "a");
    write_object(image, 3);
    must_diff(&answer, disk, "a");
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.extents[0].offset, 3 * OBJECT);
    close_disk(disk);
}

static void what_is_kept_back_is_written_first(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk = open_write_back(image);
    struct answer answer;
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_pwrite(disk, "x", 1, 5 * OBJECT, 0, &err), &err);
    must_map(&answer, disk);
    assert_int_equal(data_of(&answer), 2 * OBJECT);
    close_disk(disk);
}

static void removed_snapshots_are_told_of(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk;

    (void)state;
    take_snapshot(image, "a");
    take_snapshot(image, "b");
    disk = open_disk(text("%s@b", image), VDISK_OPEN_READ_ONLY);
    RBD("snap", "rm", "--no-progress", text("%s@b", image));
    must_not_be_there(disk, "a", "removed");
    /* Nor is it another one of its name. */
    take_snapshot(image, "b");
    must_not_be_there(disk, "a", "removed");
    close_disk(disk);
}

static void a_removed_image_is_told_of(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);

    (void)state;
    RBD("rm", "--no-progress", image);
    must_not_be_there(disk, NULL, base_name(image));
    close_disk(disk);
}

static void rbd_du_uses_as_much(void **state)
{
    const char *image = image_with_object(1);
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    struct answer answer;
    char *json;

    (void)state;
    write_object(image, 4);
    must_map(&answer, disk);
    json = RBD_OUTPUT("du", image, "--format", "json");
    assert_int_equal(data_of(&answer), json_number(json, "used_size"));
    free(json);
    close_disk(disk);
}

static void a_map_that_became_invalid_is_not_used(void **state)
{
    const char *image = image_with_object(0);
    struct vdisk *disk = open_disk(image, VDISK_OPEN_READ_ONLY);
    struct answer answer;

    (void)state;
    RBD("feature", "disable", image, "fast-diff", "object-map");
    RBD("feature", "enable", image, "object-map", "fast-diff");
    must_map(&answer, disk);
    assert_in_range(data_of(&answer), 1, OBJECT - 1);
    RBD("object-map", "rebuild", "--no-progress", image);
    must_map(&answer, disk);
    assert_int_equal(data_of(&answer), OBJECT);
    close_disk(disk);
}

static void a_queue_tells_the_same(void **state)
{
    const char *image = image_with_object(2);
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_queue *queue = new_queue(4);
    struct answer map = {.count = ROOM}, diff = {.count = ROOM};
    struct vdisk_error err;

    (void)state;
    assert_done(vdisk_aio_extents(queue, map.extents, &map.count, &map.next, disk, 0, SIZE, 0, &map, &err), &err);
    assert_done(vdisk_aio_diff(queue, diff.extents, &diff.count, &diff.next, disk, NULL, 0, SIZE, 0, &diff, &err),
                &err);
    for (int i = 0; i < 2; i++)
        assert_int_equal(wait_one(queue).result, 0);
    assert_int_equal(map.count, 3);
    assert_int_equal(map.next, SIZE);
    assert_int_equal(diff.count, 1);
    assert_memory_equal(&diff.extents[0], &map.extents[1], sizeof diff.extents[0]);
    assert_int_equal(vdisk_queue_destroy(queue), 0);
    close_disk(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_read_only_disk_sees_snapshots_made_after_it_was_opened),
        TEST(an_open_disk_sees_what_others_write),
        TEST(what_is_kept_back_is_written_first),
        TEST(removed_snapshots_are_told_of),
        TEST(a_removed_image_is_told_of),
        TEST(rbd_du_uses_as_much),
        TEST(a_map_that_became_invalid_is_not_used),
        TEST(a_queue_tells_the_same),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
