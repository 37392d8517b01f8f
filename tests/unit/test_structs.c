/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/structs.h"

/* As this library knows it; the first release's ended before `added`. */
struct known {
    size_t struct_size;
    uint64_t old;
    uint64_t added;
};

#define FIRST offsetof(struct known, added)

static const struct known nothing;

/* Filled, so that what should be set is seen to be set. */
static struct known filled(void)
{
    struct known known;

    memset(&known, 0xff, sizeof known);
    return known;
}

static int read_struct(struct known *to, const void *from, struct vdisk_error *err)
{
    return vd_struct_read(to, sizeof *to, from, FIRST, "vdisk_known", err);
}

/* A caller's structure of any length, of its own in memory, so that AddressSanitizer sees a byte too many read. */
static unsigned char *make_struct(size_t length, const struct known *content)
{
    unsigned char *structure = calloc(1, length);

    assert_non_null(structure);
    memcpy(structure, content, length < sizeof *content ? length : sizeof *content);
    memcpy(structure, &length, sizeof length);
    return structure;
}

/* Setting up. */

static void setting_up_zeroes_and_records_the_size(void **state)
{
    struct known known = filled();

    (void)state;
    vd_struct_init(&known, sizeof known);
    assert_int_equal(known.struct_size, sizeof known);
    assert_int_equal(known.old, 0);
    assert_int_equal(known.added, 0);
}

static void setting_up_stays_within_the_callers_size(void **state)
{
    struct known known = filled();

    (void)state;
    vd_struct_init(&known, FIRST);
    assert_int_equal(known.struct_size, FIRST);
    assert_int_equal(known.old, 0);
    assert_int_equal(known.added, UINT64_MAX);
}

static void setting_up_a_longer_structure_zeroes_all_of_it(void **state)
{
    struct {
        struct known known;
        unsigned char later[100];
    } longer;
    const unsigned char zero[100] = {0};

    (void)state;
    memset(&longer, 0xff, sizeof longer);
    vd_struct_init(&longer, sizeof longer);
    assert_int_equal(longer.known.struct_size, sizeof longer);
    assert_memory_equal(longer.later, zero, sizeof zero);
}

static void setting_up_what_is_no_structure_does_nothing(void **state)
{
    struct known known = filled(), before = known;

    (void)state;
    vd_struct_init(NULL, sizeof known);
    vd_struct_init(&known, 0);
    vd_struct_init(&known, sizeof(size_t) - 1);
    assert_memory_equal(&known, &before, sizeof known);
}

static void what_was_set_up_reads_as_nothing_set(void **state)
{
    struct known from = filled(), to = filled();

    (void)state;
    vd_struct_init(&from, sizeof from);
    assert_int_equal(read_struct(&to, &from, NULL), 0);
    assert_int_equal(to.old, 0);
    assert_int_equal(to.added, 0);
}

/* Reading. */

static void null_reads_as_all_zero(void **state)
{
    struct known to = filled();

    (void)state;
    assert_int_equal(read_struct(&to, NULL, NULL), 0);
    assert_memory_equal(&to, &nothing, sizeof to);
}

static void a_structure_of_the_known_size_is_copied(void **state)
{
    const struct known from = {.struct_size = sizeof from, .old = 1, .added = UINT64_MAX};
    struct known to = filled();

    (void)state;
    assert_int_equal(read_struct(&to, &from, NULL), 0);
    assert_memory_equal(&to, &from, sizeof to);
}

static void what_a_shorter_structure_lacks_becomes_zero(void **state)
{
    const struct known content = {.old = 7, .added = 8};
    unsigned char *from = make_struct(FIRST, &content);
    struct known to = filled();

    (void)state;
    assert_int_equal(read_struct(&to, from, NULL), 0);
    assert_int_equal(to.struct_size, FIRST);
    assert_int_equal(to.old, 7);
    assert_int_equal(to.added, 0);
    free(from);
}

static void a_longer_structure_with_zeroes_beyond_is_copied_as_far_as_known(void **state)
{
    const struct known content = {.old = 7, .added = 8};
    /* Beyond it there must be nothing written: `to` has a neighbour. */
    struct {
        struct known to;
        uint64_t neighbour;
    } room = {.neighbour = 4711};

    (void)state;
    for (size_t length = sizeof content + 1; length < sizeof content + 40; length++) {
        unsigned char *from = make_struct(length, &content);

        room.to = filled();
        assert_int_equal(read_struct(&room.to, from, NULL), 0);
        assert_int_equal(room.to.old, 7);
        assert_int_equal(room.to.added, 8);
        assert_int_equal(room.neighbour, 4711);
        free(from);
    }
}

static void check_refused(const void *from, int code, const char *needle)
{
    struct known to = filled();
    struct vdisk_error err = {0};

    assert_int_equal(read_struct(&to, from, &err), code);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, "vdisk_known"));
    assert_non_null(strstr(err.message, needle));
    assert_memory_equal(&to, &nothing, sizeof to);
    /* And without anybody to tell. */
    assert_int_equal(read_struct(&to, from, NULL), code);
}

static void any_byte_that_is_not_zero_beyond_what_is_known_is_refused(void **state)
{
    const struct known content = {.old = 7, .added = 8};
    const size_t length = sizeof content + 24;

    (void)state;
    for (size_t at = sizeof content; at < length; at++) {
        unsigned char *from = make_struct(length, &content);

        from[at] = at % 2 ? 0x80 : 1;
        check_refused(from, -E2BIG, "does not know");
        free(from);
    }
}

static void a_size_less_than_the_first_releases_is_refused(void **state)
{
    const size_t sizes[] = {0, 1, sizeof(size_t), FIRST - 1};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct known from = {.struct_size = sizes[i], .old = 1};

        check_refused(&from, -EINVAL, "vdisk_known_init");
    }
}

/* As when struct_size was never set: nothing is read that may not be there. */
static void a_size_that_no_structure_has_is_refused(void **state)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, 65536};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *from = pages + page - sizeof(struct known);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    /* Zeroes up to the end of what can be read. */
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(from, &sizes[i], sizeof sizes[i]);
        check_refused(from, -EINVAL, "vdisk_known_init");
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_up_zeroes_and_records_the_size),
        cmocka_unit_test(setting_up_stays_within_the_callers_size),
        cmocka_unit_test(setting_up_a_longer_structure_zeroes_all_of_it),
        cmocka_unit_test(setting_up_what_is_no_structure_does_nothing),
        cmocka_unit_test(what_was_set_up_reads_as_nothing_set),
        cmocka_unit_test(null_reads_as_all_zero),
        cmocka_unit_test(a_structure_of_the_known_size_is_copied),
        cmocka_unit_test(what_a_shorter_structure_lacks_becomes_zero),
        cmocka_unit_test(a_longer_structure_with_zeroes_beyond_is_copied_as_far_as_known),
        cmocka_unit_test(any_byte_that_is_not_zero_beyond_what_is_known_is_refused),
        cmocka_unit_test(a_size_less_than_the_first_releases_is_refused),
        cmocka_unit_test(a_size_that_no_structure_has_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
