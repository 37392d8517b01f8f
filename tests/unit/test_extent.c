/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map of a disk: its extents, in pieces, of all kinds of images; and everything that can go wrong. */
#include "extent_helpers.h"

#include <errno.h>
#include <string.h>

#include "wrap.h"

/* What the fake's librbd does not do by itself. */
static struct {
    /* Tells of this extent first. */
    uint64_t offset;
    uint64_t length;
    /* Calls this when it has told of all. */
    void (*meanwhile)(void);
} addition;

/* What it was asked about last. */
static struct {
    uint64_t offset;
    uint64_t length;
} asked;

int __real_rbd_diff_iterate2(rbd_image_t image, const char *from, uint64_t offset, uint64_t length, uint8_t parent,
                             uint8_t whole_object, int (*callback)(uint64_t, size_t, int, void *), void *argument);
int __wrap_rbd_diff_iterate2(rbd_image_t image, const char *from, uint64_t offset, uint64_t length, uint8_t parent,
                             uint8_t whole_object, int (*callback)(uint64_t, size_t, int, void *), void *argument);

int __wrap_rbd_diff_iterate2(rbd_image_t image, const char *from, uint64_t offset, uint64_t length, uint8_t parent,
                             uint8_t whole_object, int (*callback)(uint64_t, size_t, int, void *), void *argument)
{
    int r;

    asked.offset = offset;
    asked.length = length;
    r = addition.length > 0 ? callback(addition.offset, addition.length, 1, argument) : 0;

    if (r == 0)
        r = __real_rbd_diff_iterate2(image, from, offset, length, parent, whole_object, callback, argument);
    if (addition.meanwhile)
        addition.meanwhile();
    return r;
}

static int set_up(void **state)
{
    memset(&addition, 0, sizeof addition);
    return set_up_disk(state);
}

/* What is told. */

static void an_untouched_image_is_zero(void **state)
{
    const struct fixture *fixture = *state;

    assert_map(fixture->disk, {0, IMAGE_SIZE, ZERO, 0});
}

static void an_empty_image_has_no_extents(void **state)
{
    struct vdisk_extent extent;
    struct vdisk_error err;
    uint64_t next = 99;
    struct vdisk *disk;
    size_t count = 1;

    (void)state;
    fake_create_image("p", "", "empty", 0);
    disk = open_disk("rbd:p/empty", 0);
    assert_int_equal(vdisk_extents(&extent, &count, &next, disk, 0, 0, 0, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(next, 0);
    count = 1;
    assert_int_equal(vdisk_diff(&extent, &count, &next, disk, NULL, 0, 0, 0, &err), 0);
    assert_int_equal(count, 0);
    close_disk(disk);
}

static void an_empty_range_has_no_extents(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_extent extent;
    uint64_t next = 99;
    size_t count = 1;

    put_byte(0);
    assert_int_equal(vdisk_extents(&extent, &count, &next, fixture->disk, 5, 0, 0, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(next, 5);
    count = 1;
    assert_int_equal(vdisk_extents(&extent, &count, &next, fixture->disk, IMAGE_SIZE, 0, 0, NULL), 0);
    assert_int_equal(next, IMAGE_SIZE);
    assert_int_equal(fake_calls("rbd_diff_iterate2"), 0);
}

static void neighbours_of_a_kind_are_one(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(0);
    put_byte(OBJECT);
    put_byte(4 * OBJECT + 5);
    put_byte(IMAGE_SIZE - 1);
    assert_map(fixture->disk, {0, 2 * OBJECT, DATA, 0}, {2 * OBJECT, 2 * OBJECT, ZERO, 0},
               {4 * OBJECT, OBJECT, DATA, 0}, {5 * OBJECT, 10 * OBJECT, ZERO, 0}, {15 * OBJECT, OBJECT, DATA, 0});
}

static void a_range_need_not_be_aligned(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(OBJECT);
    assert_map_of(fixture->disk, 1, 1, 0, {1, 1, ZERO, 0});
    assert_map_of(fixture->disk, OBJECT - 1, 3, 0, {OBJECT - 1, 1, ZERO, 0}, {OBJECT, 2, DATA, 0});
    assert_map_of(fixture->disk, OBJECT + 7, 2 * OBJECT, 0, {OBJECT + 7, OBJECT - 7, DATA, 0},
                  {2 * OBJECT, OBJECT + 7, ZERO, 0});
    assert_map_of(fixture->disk, IMAGE_SIZE - 1, 1, 0, {IMAGE_SIZE - 1, 1, ZERO, 0});
}

static void objects_are_asked_as_a_whole(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_create_image("p", "", "odd", 2 * OBJECT + 5);
    disk = open_disk("rbd:p/odd", 0);
    assert_map_of(disk, OBJECT + 1, 1, 0, {OBJECT + 1, 1, ZERO, 0});
    assert_int_equal(asked.offset, OBJECT);
    assert_int_equal(asked.length, OBJECT);
    assert_map_of(disk, OBJECT - 1, OBJECT + 2, 0, {OBJECT - 1, OBJECT + 2, ZERO, 0});
    assert_int_equal(asked.offset, 0);
    assert_int_equal(asked.length, 2 * OBJECT + 5);
    assert_map_of(disk, 2 * OBJECT, 1, 0, {2 * OBJECT, 1, ZERO, 0});
    assert_int_equal(asked.offset, 2 * OBJECT);
    assert_int_equal(asked.length, 5);
    close_disk(disk);
}

static void without_a_valid_map_every_object_is_asked(void **state)
{
    const struct fixture *fixture = *state;

    put_byte(OBJECT + 5000);
    put_byte(3 * OBJECT - 1);
    put_byte(3 * OBJECT);
    fake_invalidate_maps("p", "", "i");
    assert_map(fixture->disk, {0, OBJECT + 4096, ZERO, 0}, {OBJECT + 4096, 4096, DATA, 0},
               {OBJECT + 8192, 2 * OBJECT - 8192 - 4096, ZERO, 0}, {3 * OBJECT - 4096, 8192, DATA, 0},
               {3 * OBJECT + 4096, 13 * OBJECT - 4096, ZERO, 0});
}

static void stripes_are_where_they_are(void **state)
{
    struct vdisk *disk;

    (void)state;
    fake_set_layout("p", "", "i", 64 * KIB, 16 * KIB, 3);
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    /* In the second object, of which every third unit of 16 KiB is. */
    put_byte(20 * KIB);
    assert_map_of(disk, 0, 256 * KIB, 0, {0, 16 * KIB, ZERO, 0}, {16 * KIB, 16 * KIB, DATA, 0},
                  {32 * KIB, 32 * KIB, ZERO, 0}, {64 * KIB, 16 * KIB, DATA, 0}, {80 * KIB, 32 * KIB, ZERO, 0},
                  {112 * KIB, 16 * KIB, DATA, 0}, {128 * KIB, 32 * KIB, ZERO, 0}, {160 * KIB, 16 * KIB, DATA, 0},
                  {176 * KIB, 80 * KIB, ZERO, 0});
    fake_invalidate_maps("p", "", "i");
    assert_map_of(disk, 0, 256 * KIB, 0, {0, 20 * KIB, ZERO, 0}, {20 * KIB, 4 * KIB, DATA, 0},
                  {24 * KIB, 232 * KIB, ZERO, 0});
    close_disk(disk);
}

static void a_snapshot_has_a_map_of_its_own(void **state)
{
    struct vdisk *disk;

    (void)state;
    put_byte(0);
    take_snapshot("s");
    put_byte(OBJECT);
    disk = open_disk("rbd:p/i@s", VDISK_OPEN_READ_ONLY);
    assert_map(disk, {0, OBJECT, DATA, 0}, {OBJECT, IMAGE_SIZE - OBJECT, ZERO, 0});
    close_disk(disk);
}

static void a_read_only_disk_sees_what_others_have_changed(void **state)
{
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);

    (void)state;
    put_byte(OBJECT + 1);
    fake_invalidate_maps("p", "", "i");
    assert_map_of(disk, 0, 2 * OBJECT, 0, {0, OBJECT, ZERO, 0}, {OBJECT, 4096, DATA, 0},
                  {OBJECT + 4096, OBJECT - 4096, ZERO, 0});
    close_disk(disk);
}

static void what_was_written_before_is_told(void **state)
{
    const struct fixture *fixture = *state;
    unsigned int flushes = fake_calls("rbd_flush");

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 2 * OBJECT, 0, NULL), 0);
    assert_map(fixture->disk, {0, 2 * OBJECT, ZERO, 0}, {2 * OBJECT, OBJECT, DATA, 0},
               {3 * OBJECT, IMAGE_SIZE - 3 * OBJECT, ZERO, 0});
    /* Once, not for every question. */
    assert_int_equal(fake_calls("rbd_flush"), flushes + 1);
}

/* Clones. */

static void a_parents_data_counts_as_the_caller_asks(void **state)
{
    struct vdisk *disk;

    (void)state;
    put_byte(0);
    put_byte(OBJECT);
    take_snapshot("s");
    fake_create_clone("p", "", "i", "s", 2, "c");
    fake_image_write("p", "", "c", OBJECT, "y", 1);
    fake_resize_image("p", "", "c", IMAGE_SIZE + 2 * OBJECT, true);
    fake_image_write("p", "", "c", IMAGE_SIZE + OBJECT, "y", 1);
    disk = open_disk("rbd:p/c", 0);
    assert_map(disk, {0, 2 * OBJECT, DATA, 0}, {2 * OBJECT, IMAGE_SIZE - OBJECT, ZERO, 0},
               {IMAGE_SIZE + OBJECT, OBJECT, DATA, 0});
    assert_map_of(disk, 0, IMAGE_SIZE + 2 * OBJECT, 0, {0, OBJECT, 0, 0}, {OBJECT, OBJECT, DATA, 0},
                  {2 * OBJECT, IMAGE_SIZE - 2 * OBJECT, 0, 0}, {IMAGE_SIZE, OBJECT, ZERO, 0},
                  {IMAGE_SIZE + OBJECT, OBJECT, DATA, 0});
    assert_map_of(disk, IMAGE_SIZE - 1, 2, 0, {IMAGE_SIZE - 1, 1, 0, 0}, {IMAGE_SIZE, 1, ZERO, 0});
    close_disk(disk);
}

/* What goes wrong. */

static void the_room_is_never_written_beyond(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_extent extents[3];
    uint64_t next;
    size_t count = 2;

    memset(extents, 0x5a, sizeof extents);
    for (uint64_t at = 0; at < IMAGE_SIZE; at += 2 * OBJECT)
        put_byte(at);
    assert_int_equal(vdisk_extents(extents, &count, &next, fixture->disk, 0, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(next, 2 * OBJECT);
    assert_int_equal(extents[2].flags, 0x5a5a5a5a);
}

static void many_extents_find_room(void **state)
{
    static struct vdisk_extent extents[40000];
    const struct fixture *fixture = *state;
    uint64_t next;
    size_t count = 40000;

    for (uint64_t at = 0; at < IMAGE_SIZE; at += 8192)
        put_byte(at);
    fake_invalidate_maps("p", "", "i");
    assert_int_equal(vdisk_extents(extents, &count, &next, fixture->disk, 0, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(count, IMAGE_SIZE / 4096);
    assert_int_equal(next, IMAGE_SIZE);
}

static void refused(const struct question *question, int code, const char *part)
{
    struct vdisk_extent extents[4];
    struct vdisk_error err;
    uint64_t next = 99;
    size_t count = 4;

    assert_int_equal(ask(question, extents, &count, &next, &err), code);
    assert_says(&err, code, part);
    assert_int_equal(count, 0);
    assert_int_equal(next, question->offset);
}

static void ranges_outside_are_refused(void **state)
{
    const struct fixture *fixture = *state;

    refused(&(struct question){.disk = fixture->disk, .offset = IMAGE_SIZE + 1}, -EINVAL, "not inside image \"i\"");
    refused(&(struct question){.disk = fixture->disk, .offset = 1, .length = IMAGE_SIZE}, -EINVAL, "not inside");
    refused(&(struct question){.disk = fixture->disk, .offset = UINT64_MAX, .length = 2}, -EINVAL, "not inside");
    assert_int_equal(fake_calls("rbd_diff_iterate2"), 0);
}

static void bad_arguments_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk_extent extents[1];
    struct vdisk_error err;
    uint64_t next = 99;
    size_t count = 1;

    assert_int_equal(vdisk_extents(NULL, &count, &next, fixture->disk, 1, 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "nowhere");
    assert_int_equal(count, 0);
    assert_int_equal(next, 1);
    assert_int_equal(vdisk_extents(extents, NULL, &next, fixture->disk, 0, 1, 0, &err), -EINVAL);
    count = 1;
    assert_int_equal(vdisk_extents(extents, &count, NULL, fixture->disk, 0, 1, 0, &err), -EINVAL);
    count = 0;
    assert_int_equal(vdisk_extents(extents, &count, &next, fixture->disk, 0, 1, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "room");
    refused(&(struct question){.disk = NULL, .offset = 7}, -EINVAL, "NULL");
    refused(&(struct question){.disk = fixture->disk, .flags = 2}, -EINVAL, "0x2");
    refused(&(struct question){.disk = fixture->disk, .flags = VDISK_AIO_PROGRESS}, -EINVAL, "flags");
}

static void remove_image(void)
{
    fake_remove_image("p", "", "i");
}

static void an_image_that_is_gone_is_not_a_hole(void **state)
{
    const struct fixture *fixture = *state;
    struct vdisk *reader = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    const struct question question = {.disk = fixture->disk, .length = IMAGE_SIZE};

    put_byte(0);
    addition.meanwhile = remove_image;
    refused(&question, -ENOENT, "removed image \"i\"");
    addition.meanwhile = NULL;
    refused(&(struct question){.disk = reader, .length = IMAGE_SIZE}, -ENOENT, "image \"i\"");
    fake_create_image("p", "", "i", IMAGE_SIZE);
    refused(&question, -ENOENT, "removed image \"i\"");
    close_disk(reader);
}

static void remove_snapshot(void)
{
    struct vdisk *disk = open_disk(IMAGE_URI, 0);

    assert_int_equal(vdisk_snapshot_remove(disk, "s", 0, NULL), 0);
    close_disk(disk);
}

static void a_snapshot_that_is_gone_is_not_a_hole(void **state)
{
    struct question question = {.length = IMAGE_SIZE};

    (void)state;
    take_snapshot("s");
    question.disk = open_disk("rbd:p/i@s", VDISK_OPEN_READ_ONLY);
    addition.meanwhile = remove_snapshot;
    refused(&question, -ENOENT, "snapshot that was looked at");
    addition.meanwhile = NULL;
    /* Another one of its name. */
    take_snapshot("s");
    refused(&question, -ENOENT, "snapshot that was looked at");
    close_disk(question.disk);
}

static void what_is_out_of_order_is_an_error(void **state)
{
    const struct fixture *fixture = *state;
    struct question question = {.disk = fixture->disk, .offset = OBJECT, .length = 2 * OBJECT};

    addition.offset = 0;
    addition.length = 2 * OBJECT;
    refused(&question, -EPROTO, "Finding the extents");
    addition.offset = OBJECT;
    addition.length = 2 * OBJECT + 1;
    refused(&question, -EPROTO, "Finding the extents");
    addition.length = 1;
    put_byte(OBJECT);
    refused(&question, -EPROTO, "Finding the extents");
}

static void a_failed_flush_is_told_and_kept(void **state)
{
    const struct fixture *fixture = *state;
    const struct question question = {.disk = fixture->disk, .length = IMAGE_SIZE};

    assert_int_equal(vdisk_pwrite(fixture->disk, "abc", 3, 0, 0, NULL), 0);
    fake_next_result(FAKE_FLUSH, -EIO);
    refused(&question, -EIO, "Flushing image \"i\"");
    assert_int_equal(vdisk_flush(fixture->disk, NULL), -EIO);
    assert_int_equal(vdisk_acknowledge_loss(fixture->disk, NULL), 0);
    assert_map(fixture->disk, {0, OBJECT, DATA, 0}, {OBJECT, IMAGE_SIZE - OBJECT, ZERO, 0});
}

static void a_fenced_client_is_told(void **state)
{
    const struct fixture *fixture = *state;

    fake_blocklist();
    refused(&(struct question){.disk = fixture->disk, .length = 1}, -ESHUTDOWN, "image \"i\"");
}

/* With each call that is made failing in turn. */
static void sweep_calls(const struct question *question)
{
    for (unsigned int n = 1;; n++) {
        struct vdisk_extent extents[4];
        struct vdisk_error err;
        uint64_t next = 99;
        size_t count = 4;
        int r;

        fake_fail_nth(n, ENODEV);
        r = ask(question, extents, &count, &next, &err);
        if (!fake_failed())
            break;
        /* To close what was opened for reading only loses nothing. */
        if (strcmp(fake_failed_name(), "rbd_close") == 0)
            continue;
        assert_int_equal(r, -ENODEV);
        assert_says(&err, -ENODEV, "image \"i\"");
        assert_int_equal(count, 0);
        assert_int_equal(next, question->offset);
    }
    fake_fail_nth(0, 0);
}

static void sweep_memory(const struct question *question)
{
    for (unsigned int n = 1;; n++) {
        struct vdisk_extent extents[4];
        struct vdisk_error err;
        uint64_t next = 99;
        size_t count = 4;
        int r;

        wrap_fail_nth(n);
        r = ask(question, extents, &count, &next, &err);
        if (!wrap_disarm())
            break;
        assert_int_equal(r, -ENOMEM);
        assert_says(&err, -ENOMEM, "");
        assert_int_equal(count, 0);
    }
}

/* Asks for nothing by itself while the test lasts, since each failure is to strike the caller. */
static struct vdisk *open_quiet(const char *uri, uint32_t flags)
{
    struct vdisk_open_options options;
    struct vdisk *disk;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    options.size_poll_ms = 3600000;
    assert_int_equal(vdisk_open_uri(&disk, uri, &options, NULL), 0);
    return disk;
}

static void every_failure_is_told(void **state)
{
    static const struct {
        const char *uri;
        uint32_t flags;
    } disks[] = {{IMAGE_URI, 0}, {IMAGE_URI, VDISK_OPEN_READ_ONLY}, {"rbd:p/i@t", VDISK_OPEN_READ_ONLY}};
    struct fixture *fixture = *state;

    close_disk(fixture->disk);
    fixture->disk = NULL;
    put_byte(0);
    take_snapshot("s");
    take_snapshot("t");
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        struct question question = {.disk = open_quiet(disks[i].uri, disks[i].flags), .length = IMAGE_SIZE};

        sweep_calls(&question);
        sweep_memory(&question);
        question.is_diff = true;
        question.from = "s";
        sweep_calls(&question);
        sweep_memory(&question);
        close_disk(question.disk);
    }
}

int main(void)
{
#define DISK_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down_disk)
    const struct CMUnitTest tests[] = {
        DISK_TEST(an_untouched_image_is_zero),
        DISK_TEST(an_empty_image_has_no_extents),
        DISK_TEST(an_empty_range_has_no_extents),
        DISK_TEST(neighbours_of_a_kind_are_one),
        DISK_TEST(a_range_need_not_be_aligned),
        DISK_TEST(objects_are_asked_as_a_whole),
        DISK_TEST(without_a_valid_map_every_object_is_asked),
        DISK_TEST(stripes_are_where_they_are),
        DISK_TEST(a_snapshot_has_a_map_of_its_own),
        DISK_TEST(a_read_only_disk_sees_what_others_have_changed),
        DISK_TEST(what_was_written_before_is_told),
        DISK_TEST(a_parents_data_counts_as_the_caller_asks),
        DISK_TEST(the_room_is_never_written_beyond),
        DISK_TEST(many_extents_find_room),
        DISK_TEST(ranges_outside_are_refused),
        DISK_TEST(bad_arguments_are_refused),
        DISK_TEST(an_image_that_is_gone_is_not_a_hole),
        DISK_TEST(a_snapshot_that_is_gone_is_not_a_hole),
        DISK_TEST(what_is_out_of_order_is_an_error),
        DISK_TEST(a_failed_flush_is_told_and_kept),
        DISK_TEST(a_fenced_client_is_told),
        DISK_TEST(every_failure_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
