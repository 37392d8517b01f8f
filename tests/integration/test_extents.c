/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maps and diffs of images of all kinds, after random changes: what is called zero is zero, a diff makes one state out
 * of the other, and `rbd diff` says the same. The seed is fixed; VDISK_TEST_SEED sets another one.
 */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE (MIB(4) + 4097)
#define MAX_EXTENTS 8192

/* Lists of extents. */

struct list {
    struct vdisk_extent extents[MAX_EXTENTS];
    size_t count;
};

/* What is asked: with `changes`, what differs from `from`. */
struct question {
    struct vdisk *disk;
    bool changes;
    const char *from;
    uint64_t offset;
    uint64_t end;
};

static void ask(struct list *list, const struct question *question, uint64_t *offset, size_t room)
{
    uint64_t length = question->end - *offset;
    struct vdisk_extent *to = list->extents + list->count;
    struct vdisk_error err;

    assert_true(list->count + room <= MAX_EXTENTS);
    if (question->changes)
        assert_done(
            vdisk_diff(to, &room, offset, question->disk, question->from, *offset, length, VDISK_EXTENTS_PARENT, &err),
            &err);
    else
        assert_done(vdisk_extents(to, &room, offset, question->disk, *offset, length, VDISK_EXTENTS_PARENT, &err),
                    &err);
    list->count += room;
}

/* All of the range, in pieces of `room` extents. */
static void ask_all(struct list *list, const struct question *question, size_t room)
{
    uint64_t offset = question->offset;

    list->count = 0;
    while (offset < question->end)
        ask(list, question, &offset, room);
}

static void assert_same(const struct list *found, const struct list *expected, const char *what)
{
    size_t count = found->count < expected->count ? found->count : expected->count;

    for (size_t i = 0; i < count; i++) {
        const struct vdisk_extent *a = &found->extents[i], *b = &expected->extents[i];

        if (a->offset != b->offset || a->length != b->length || a->flags != b->flags)
            fail_msg("%s: extent %zu is %" PRIu64 "+%" PRIu64 " (%u), not %" PRIu64 "+%" PRIu64 " (%u)", what, i,
                     a->offset, a->length, a->flags, b->offset, b->length, b->flags);
    }
    if (found->count != expected->count)
        fail_msg("%s: there are %zu extents, not %zu", what, found->count, expected->count);
}

/* Adds one, joined with the last if it goes on with it. */
static void add(struct list *list, uint64_t offset, uint64_t length, uint32_t flags)
{
    struct vdisk_extent *last = list->count > 0 ? &list->extents[list->count - 1] : NULL;

    if (last && last->flags == flags && last->offset + last->length == offset) {
        last->length += length;
        return;
    }
    assert_true(list->count < MAX_EXTENTS);
    list->extents[list->count++] = (struct vdisk_extent){.offset = offset, .length = length, .flags = flags};
}

/* What `rbd diff` says. */
static void ask_rbd(struct list *list, const char *spec, const char *from, bool whole_object)
{
    const char *argv[12] = {"rbd", "-c", conf_path(), "diff", "--format", "json", spec};
    int count = 7;
    char *json;

    if (whole_object)
        argv[count++] = "--whole-object";
    if (from)
        argv[count++] = "--from-snap";
    if (from)
        argv[count++] = from;
    json = output(argv);
    list->count = 0;
    for (const char *at = json; (at = strstr(at, "\"offset\":")); at++)
        add(list, json_number(at, "offset"), json_number(at, "length"),
            strcmp(json_string(at, "exists"), "true") == 0 ? VDISK_EXTENT_DATA : VDISK_EXTENT_ZERO);
    free(json);
}

/* States of an image. */

struct state {
    const char *spec;
    /* NULL: the image itself. */
    const char *snapshot;
    struct vdisk *disk;
    unsigned char *data;
    size_t size;
};

/* Of a disk that is open. */
static struct state state_now(const char *spec, const char *snapshot, struct vdisk *disk)
{
    struct state state = {.spec = spec, .snapshot = snapshot, .disk = disk, .size = vdisk_get_size(disk)};
    struct vdisk_error err;

    state.data = malloc(state.size);
    assert_non_null(state.data);
    assert_done(vdisk_pread(disk, state.data, state.size, 0, 0, &err), &err);
    return state;
}

static struct state state_of(const char *image, const char *snapshot, uint32_t flags)
{
    const char *spec = snapshot ? text("%s@%s", image, snapshot) : image;

    return state_now(spec, snapshot, open_disk(spec, flags));
}

static void end_state(struct state *state)
{
    close_disk(state->disk);
    free(state->data);
}

/* Maps. */

static bool is_zero(const unsigned char *data, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        if (data[i])
            return false;
    }
    return true;
}

static void check_map(const struct state *state, uint64_t offset, uint64_t end, size_t room)
{
    static struct list list;
    uint64_t at = offset;

    ask_all(&list, &(struct question){.disk = state->disk, .offset = offset, .end = end}, room);
    for (size_t i = 0; i < list.count; i++) {
        const struct vdisk_extent *extent = &list.extents[i];

        assert_int_equal(extent->offset, at);
        assert_true(extent->length > 0);
        assert_true(extent->flags == VDISK_EXTENT_DATA || extent->flags == VDISK_EXTENT_ZERO);
        assert_true(i == 0 || extent->flags != extent[-1].flags);
        if (extent->flags == VDISK_EXTENT_ZERO && !is_zero(state->data + at, extent->length))
            fail_msg("%s: the %" PRIu64 " bytes at %" PRIu64 " are not zero", state->spec, extent->length, at);
        at += extent->length;
    }
    assert_int_equal(at, end);
}

/* Diffs. */

static void apply(unsigned char *data, const struct list *list, const unsigned char *new_data)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct vdisk_extent *extent = &list->extents[i];

        if (extent->flags == VDISK_EXTENT_DATA)
            memcpy(data + extent->offset, new_data + extent->offset, extent->length);
        else
            memset(data + extent->offset, 0, extent->length);
    }
}

/* `old` NULL: the beginning. */
static void check_diff(const struct state *old, const struct state *new, uint64_t offset, uint64_t end, size_t room)
{
    const struct question question = {
        .disk = new->disk, .changes = true, .from = old ? old->snapshot : NULL, .offset = offset, .end = end};
    unsigned char *data = calloc(1, new->size);
    static struct list list;

    assert_non_null(data);
    if (old)
        memcpy(data, old->data, old->size < new->size ? old->size : new->size);
    ask_all(&list, &question, room);
    apply(data, &list, new->data);
    assert_bytes(data + offset, new->data + offset, end - offset,
                 text("%s, changed since %s", new->spec, old ? old->snapshot : "the beginning"));
    free(data);
}

static void check_against_rbd(const struct state *old, const struct state *new, bool is_fast)
{
    const struct question question = {
        .disk = new->disk, .changes = true, .from = old ? old->snapshot : NULL, .end = new->size};
    static struct list found, expected;

    ask_all(&found, &question, 100);
    ask_rbd(&expected, new->spec, question.from, is_fast);
    assert_same(&found, &expected, text("%s since %s", new->spec, old ? old->snapshot : "the beginning"));
}

/* Random changes. */

static uint64_t seed;

static uint64_t below(uint64_t limit)
{
    return next_random(&seed) % limit;
}

/* A range that is mostly short, and often starts or ends at a bound of something. */
static void random_range(uint64_t *offset, uint64_t *length, uint64_t size)
{
    uint64_t align = below(2) ? 1 : 4096u << below(6);

    *offset = below(size) / align * align;
    *length = 1 + below(below(4) ? KIB(64) : MIB(1)) / align * align;
    if (*length > size - *offset)
        *length = size - *offset;
}

static void change(struct vdisk *disk)
{
    static unsigned char data[MIB(1) + 1];
    uint64_t offset, length;
    struct vdisk_error err;

    random_range(&offset, &length, vdisk_get_size(disk));
    switch (below(5)) {
    case 0:
        assert_done(vdisk_discard(disk, length, offset, 0, &err), &err);
        break;
    case 1:
        assert_done(vdisk_write_zeroes(disk, length, offset, 0, &err), &err);
        break;
    default:
        fill(data, length, seed);
        assert_done(vdisk_pwrite(disk, data, length, offset, 0, &err), &err);
    }
}

/* And takes a snapshot unless NULL. */
static void change_much(const char *image, const char *snapshot)
{
    struct vdisk *disk = open_disk(image, 0);
    struct vdisk_error err;

    for (int i = 0; i < 12; i++)
        change(disk);
    assert_done(vdisk_resize(disk, SIZE / 2 + below(SIZE), VDISK_RESIZE_SHRINK, &err), &err);
    change(disk);
    if (snapshot)
        assert_done(vdisk_snapshot_create(disk, snapshot, 0, &err), &err);
    close_disk(disk);
}

static void start_random(void)
{
    const char *value = getenv("VDISK_TEST_SEED");

    seed = value ? strtoull(value, NULL, 0) : 20260101;
    print_message("seed %" PRIu64 "\n", seed);
}

/* All of it. */

static void check_pieces(const struct state *old, const struct state *new)
{
    for (int i = 0; i < 4; i++) {
        uint64_t offset, length;

        random_range(&offset, &length, new->size);
        check_diff(old, new, offset, offset + length, 1 + below(9));
        check_map(new, offset, offset + length, 1 + below(9));
    }
}

static void check_all(const char *image, bool is_fast)
{
    struct state states[] = {state_of(image, "a", VDISK_OPEN_READ_ONLY), state_of(image, "b", VDISK_OPEN_READ_ONLY),
                             state_of(image, NULL, VDISK_OPEN_READ_ONLY), state_of(image, NULL, 0)};
    const size_t count = sizeof states / sizeof *states;

    for (size_t i = 0; i < count; i++) {
        check_map(&states[i], 0, states[i].size, 50);
        check_diff(NULL, &states[i], 0, states[i].size, 50);
        check_pieces(NULL, &states[i]);
        /* From `a` to `b`, and from both to the image. */
        for (size_t from = 0; from < i && from < 2; from++) {
            check_diff(&states[from], &states[i], 0, states[i].size, 50);
            check_pieces(&states[from], &states[i]);
        }
    }
    assert_rbd_exports(image, states[2].data, states[2].size);
    check_against_rbd(NULL, &states[1], is_fast);
    /* By its maps `rbd diff` would leave out what a smaller image has lost: the library does not use them then. */
    check_against_rbd(&states[0], &states[2],
                      is_fast && (states[1].size >= states[0].size || states[1].size >= states[2].size));
    check_against_rbd(&states[1], &states[3], is_fast);
    for (size_t i = 0; i < count; i++)
        end_state(&states[i]);
}

/* The image is there. */
static void change_and_check(const char *image, bool is_fast)
{
    change_much(image, "a");
    change_much(image, "gone");
    change_much(image, "b");
    RBD("snap", "rm", "--no-progress", text("%s@gone", image));
    change_much(image, NULL);
    check_all(image, is_fast);
}

#define SIZE_TEXT text("%" PRIu64 "B", (uint64_t)SIZE)

static void an_image(void **state)
{
    const char *image = new_image();

    (void)state;
    start_random();
    RBD("create", "--size", SIZE_TEXT, "--object-size", "128K", image);
    change_and_check(image, true);
}

static void an_image_without_maps(void **state)
{
    const char *image = new_image();

    (void)state;
    start_random();
    RBD("create", "--size", SIZE_TEXT, "--object-size", "128K", "--image-feature", "layering", image);
    change_and_check(image, false);
}

static void an_image_with_stripes(void **state)
{
    const char *image = new_image();

    (void)state;
    start_random();
    RBD("create", "--size", SIZE_TEXT, "--object-size", "64K", "--stripe-unit", "16K", "--stripe-count", "3", image);
    change_and_check(image, true);
}

static void an_image_with_stripes_without_maps(void **state)
{
    const char *image = new_image();

    (void)state;
    start_random();
    RBD("create", "--size", SIZE_TEXT, "--object-size", "64K", "--stripe-unit", "16K", "--stripe-count", "3",
        "--image-feature", "layering", image);
    change_and_check(image, false);
}

static const char *new_parent(void)
{
    const char *parent = new_image();

    start_random();
    RBD("create", "--size", SIZE_TEXT, "--object-size", "64K", parent);
    change_much(parent, "s");
    RBD("snap", "protect", text("%s@s", parent));
    return text("%s@s", parent);
}

static void a_clone(void **state)
{
    const char *parent = new_parent(), *image = new_image();

    (void)state;
    RBD("clone", "--object-size", "128K", parent, image);
    change_and_check(image, true);
}

static void a_clone_without_maps(void **state)
{
    const char *parent = new_parent(), *image = new_image();

    (void)state;
    RBD("clone", "--object-size", "128K", "--image-feature", "layering", parent, image);
    change_and_check(image, false);
}

/* As `rbd` sees it, there is a header, and the rest is at other offsets. Each opening takes a second or more. */
static void an_encrypted_image(void **state)
{
    struct vdisk_open_options options = default_options(0);
    const char *image = new_image();
    struct state old, new;
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    start_random();
    RBD("create", "--size", "24M", "--object-size", "1M", image);
    RBD("encryption", "format", image, "luks1", write_file("passphrase", "secret", 6));
    options.encryption = VDISK_ENCRYPTION_LUKS1;
    options.passphrase = "secret";
    options.passphrase_size = 6;
    disk = open_disk_with(image, &options);
    for (int i = 0; i < 12; i++)
        change(disk);
    assert_done(vdisk_snapshot_create(disk, "a", 0, &err), &err);
    old = state_now(image, "a", disk);
    for (int i = 0; i < 6; i++)
        change(disk);
    new = state_now(image, NULL, disk);
    check_map(&new, 0, new.size, 50);
    check_diff(NULL, &new, 0, new.size, 50);
    check_diff(&old, &new, 0, new.size, 50);
    check_pieces(&old, &new);
    free(old.data);
    end_state(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image),
        TEST(an_image_without_maps),
        TEST(an_image_with_stripes),
        TEST(an_image_with_stripes_without_maps),
        TEST(a_clone),
        TEST(a_clone_without_maps),
        TEST(an_encrypted_image),

    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
