/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Zeroes that are to be stored: librbd must never be asked to store zeroes in a range that is not aligned, since it
 * deadlocks with operations on the image's header then.
 */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include "fake.h"

#define ALIGNMENT 4096
#define CALLS_MAX 16

/* What librbd was asked for, in order: on the thread of the test and on a background job's, one after the other. */
static struct call {
    uint64_t offset;
    uint64_t length;
    bool is_write;
} calls[CALLS_MAX];
static size_t call_count;

static void note_call(uint64_t offset, uint64_t length, bool is_write)
{
    if (call_count < CALLS_MAX)
        calls[call_count] = (struct call){offset, length, is_write};
    call_count++;
}

int __real_rbd_aio_write_zeroes(rbd_image_t image, uint64_t offset, size_t length, rbd_completion_t completion,
                                int zero_flags, int op_flags);
int __wrap_rbd_aio_write_zeroes(rbd_image_t image, uint64_t offset, size_t length, rbd_completion_t completion,
                                int zero_flags, int op_flags);
int __wrap_rbd_aio_write_zeroes(rbd_image_t image, uint64_t offset, size_t length, rbd_completion_t completion,
                                int zero_flags, int op_flags)
{
    note_call(offset, length, false);
    return __real_rbd_aio_write_zeroes(image, offset, length, completion, zero_flags, op_flags);
}

int __real_rbd_aio_write(rbd_image_t image, uint64_t offset, size_t length, const char *data,
                         rbd_completion_t completion);
int __wrap_rbd_aio_write(rbd_image_t image, uint64_t offset, size_t length, const char *data,
                         rbd_completion_t completion);
int __wrap_rbd_aio_write(rbd_image_t image, uint64_t offset, size_t length, const char *data,
                         rbd_completion_t completion)
{
    note_call(offset, length, true);
    return __real_rbd_aio_write(image, offset, length, data, completion);
}

static void store_zeroes(struct fixture *fixture, uint64_t length, uint64_t offset, uint32_t flags)
{
    call_count = 0;
    assert_int_equal(
        vdisk_aio_write_zeroes(fixture->queue, fixture->disk, length, offset, VDISK_WRITE_ZEROES_THICK | flags, NULL),
        0);
    assert_int_equal(reap_one(fixture->queue), 0);
}

/* The calls cover the range without a gap, and only writes are not aligned. */
static void assert_covered(uint64_t length, uint64_t offset)
{
    uint64_t next = offset;

    assert_in_range(call_count, 1, CALLS_MAX);
    for (size_t i = 0; i < call_count; i++) {
        assert_int_equal(calls[i].offset, next);
        if (!calls[i].is_write) {
            assert_int_equal(calls[i].offset % ALIGNMENT, 0);
            assert_int_equal(calls[i].length % ALIGNMENT, 0);
        }
        next += calls[i].length;
    }
    assert_int_equal(next, offset + length);
}

static void ranges_are_cut_where_they_are_aligned(void **state)
{
    static const struct {
        uint64_t offset;
        uint64_t length;
        size_t calls;
    } cases[] = {
        {0, ALIGNMENT, 1},
        {0, 3 * ALIGNMENT, 1},
        {1, 1, 1},
        {0, ALIGNMENT - 1, 1},
        {ALIGNMENT - 1, 2, 2},
        {ALIGNMENT, ALIGNMENT + 1, 2},
        {ALIGNMENT - 1, ALIGNMENT + 1, 2},
        {100, 5 * ALIGNMENT, 3},
        {ALIGNMENT + 512, 512, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        store_zeroes(*state, cases[i].length, cases[i].offset, 0);
        assert_covered(cases[i].length, cases[i].offset);
        assert_int_equal(call_count, cases[i].calls);
    }
}

static void the_bytes_are_those_of_the_range(void **state)
{
    static unsigned char data[5 * ALIGNMENT];

    for (uint32_t flags = 0; flags <= VDISK_IO_FUA; flags += VDISK_IO_FUA) {
        memset(data, 0xaa, sizeof data);
        fake_image_write("p", "", "i", 0, data, sizeof data);
        store_zeroes(*state, 3 * ALIGNMENT, 700, flags);
        fake_image_read("p", "", "i", NULL, 0, data, sizeof data);
        for (size_t i = 0; i < sizeof data; i++)
            assert_int_equal(data[i], i >= 700 && i < 700 + 3 * ALIGNMENT ? 0 : 0xaa);
    }
}

static void an_error_in_an_unaligned_end_is_told(void **state)
{
    struct fixture *fixture = *state;

    fake_fail_mode(FAKE_AT_COMPLETION);
    fake_fail_call("rbd_aio_write", 2, EIO);
    assert_int_equal(vdisk_write_zeroes(fixture->disk, 3 * ALIGNMENT, 700, VDISK_WRITE_ZEROES_THICK, NULL), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ranges_are_cut_where_they_are_aligned, set_up_disk, tear_down_disk),
        cmocka_unit_test_setup_teardown(the_bytes_are_those_of_the_range, set_up_disk, tear_down_disk),
        cmocka_unit_test_setup_teardown(an_error_in_an_unaligned_end_is_told, set_up_disk, tear_down_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
