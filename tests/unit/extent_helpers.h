/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of maps and of diffs share: asking for all extents, and comparing them with what is expected. */
#ifndef EXTENT_HELPERS_H
#define EXTENT_HELPERS_H

#include "disk_fixture.h"

#include <inttypes.h>
#include <rbd/librbd.h>
#include <string.h>

#include "fake.h"

#define DATA VDISK_EXTENT_DATA
#define ZERO VDISK_EXTENT_ZERO
#define PARENT VDISK_EXTENTS_PARENT

/* Objects of the image, by default. */
#define OBJECT (4 * MIB)

#define MAX_EXTENTS 64

/* Of one question and its answer. `is_diff`: vdisk_diff; otherwise vdisk_extents. */
struct question {
    struct vdisk *disk;
    bool is_diff;
    const char *from;
    uint64_t offset;
    uint64_t length;
    uint32_t flags;
};

struct extents {
    struct vdisk_extent list[MAX_EXTENTS];
    size_t count;
};

static inline int ask(const struct question *question, struct vdisk_extent *extents, size_t *count, uint64_t *next,
                      struct vdisk_error *err)
{
    if (question->is_diff)
        return vdisk_diff(extents, count, next, question->disk, question->from, question->offset, question->length,
                          question->flags, err);
    return vdisk_extents(extents, count, next, question->disk, question->offset, question->length, question->flags,
                         err);
}

static inline void check_answer(const struct question *question, const struct vdisk_extent *extents, size_t count,
                                uint64_t next)
{
    uint64_t at = question->offset;

    for (size_t i = 0; i < count; i++) {
        assert_true(extents[i].offset >= at);
        assert_true(question->is_diff || extents[i].offset == at);
        assert_true(extents[i].length > 0);
        assert_int_equal(extents[i].reserved, 0);
        at = extents[i].offset + extents[i].length;
    }
    assert_true(next >= at && next <= question->offset + question->length);
    assert_true(question->is_diff || next == at);
}

/* All extents, asked for `room` at a time. */
static inline void ask_all(struct extents *all, const struct question *question, size_t room)
{
    uint64_t end = question->offset + question->length;
    struct question rest = *question;

    all->count = 0;
    while (rest.offset < end) {
        struct vdisk_error err;
        uint64_t next = 99;
        size_t count = room;

        assert_true(all->count + room <= MAX_EXTENTS);
        if (ask(&rest, all->list + all->count, &count, &next, &err) < 0)
            fail_msg("%s", err.message);
        assert_true(count <= room);
        /* Room that is left over says that there is no more. */
        assert_true(count == room || next == end);
        check_answer(&rest, all->list + all->count, count, next);
        all->count += count;
        rest.offset = next;
        rest.length = end - next;
    }
}

static inline void print_extents(const char *what, const struct vdisk_extent *extents, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_error("%s %" PRIu64 "+%" PRIu64 " flags %u\n", what, extents[i].offset, extents[i].length,
                    extents[i].flags);
}

static inline void check_extents(const struct question *question, const struct vdisk_extent *expected, size_t count,
                                 const char *file, int line)
{
    for (size_t room = 1; room < 8; room++) {
        struct extents found;

        ask_all(&found, question, room);
        if (found.count != count || (count > 0 && memcmp(found.list, expected, count * sizeof *expected) != 0)) {
            print_extents("expected", expected, count);
            print_extents("found", found.list, found.count);
            _fail(file, line);
        }
    }
}

#define COUNT_OF(...) (sizeof((struct vdisk_extent[]){__VA_ARGS__}) / sizeof(struct vdisk_extent))

/* The whole map of a disk; and of a range, with flags. */
#define assert_map(disk, ...) assert_map_of(disk, 0, vdisk_get_size(disk), PARENT, __VA_ARGS__)
#define assert_map_of(disk, offset, length, flags, ...)                                                                \
    check_extents(&(struct question){disk, false, NULL, offset, length, flags}, (struct vdisk_extent[]){__VA_ARGS__},  \
                  COUNT_OF(__VA_ARGS__), __FILE__, __LINE__)

#define assert_diff(disk, from, ...) assert_diff_of(disk, from, 0, vdisk_get_size(disk), PARENT, __VA_ARGS__)
#define assert_diff_of(disk, from, offset, length, flags, ...)                                                         \
    check_extents(&(struct question){disk, true, from, offset, length, flags}, (struct vdisk_extent[]){__VA_ARGS__},   \
                  COUNT_OF(__VA_ARGS__), __FILE__, __LINE__)
#define assert_no_diff(disk, from)                                                                                     \
    check_extents(&(struct question){disk, true, from, 0, vdisk_get_size(disk), PARENT}, NULL, 0, __FILE__, __LINE__)

/* A byte that is not zero, at this offset: of the image "i", behind its users' backs. */
static inline void put_byte(uint64_t offset)
{
    fake_image_write("p", "", "i", offset, "x", 1);
}

#endif
