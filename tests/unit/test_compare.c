/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compare-and-write. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"

#define SECTOR 512

static char there[SECTOR], other[SECTOR], wanted[SECTOR];

/* `there` is at this offset; `other` differs from it in the byte at `place`. */
static void prepare(uint64_t offset, size_t place)
{
    memset(there, 't', sizeof there);
    memset(wanted, 'w', sizeof wanted);
    memcpy(other, there, sizeof other);
    other[place] = 'o';
    fake_image_write("p", "", "i", offset, there, sizeof there);
}

static bool holds(uint64_t offset, const char *bytes, size_t length)
{
    char seen[SECTOR];

    fake_image_read("p", "", "i", NULL, offset, seen, length);
    return memcmp(seen, bytes, length) == 0;
}

static struct vdisk_completion on_queue(struct fixture *fixture, const char *compare, uint64_t length, uint64_t offset)
{
    struct vdisk_completion done;

    assert_int_equal(
        vdisk_aio_compare_and_write(fixture->queue, fixture->disk, compare, wanted, length, offset, 0, NULL), 0);
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    return done;
}

static void what_is_there_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    uint64_t mismatch = 7;

    prepare(0, 0);
    done = on_queue(fixture, there, 100, 412);
    assert_int_equal(done.result, 0);
    assert_int_equal(done.value, 0);
    assert_true(holds(412, wanted, 100));
    assert_true(holds(0, there, 412));
    prepare(4096, 0);
    assert_int_equal(vdisk_compare_and_write(&mismatch, fixture->disk, there, wanted, SECTOR, 4096, VDISK_IO_FUA, NULL),
                     0);
    assert_int_equal(mismatch, 0);
    assert_true(holds(4096, wanted, SECTOR));
    assert_int_equal(vdisk_compare_and_write(NULL, fixture->disk, wanted, there, SECTOR, 4096, 0, NULL), 0);
}

/* Whether a mismatch in byte `place` of a request at this offset is told, and nothing written. */
static void check_mismatch(struct fixture *fixture, uint64_t offset, size_t place)
{
    struct vdisk_completion done;
    struct vdisk_error err;
    uint64_t mismatch = 7;

    prepare(offset, place);
    done = on_queue(fixture, other, SECTOR, offset);
    assert_int_equal(done.result, -EILSEQ);
    assert_int_equal(done.value, offset + place);
    assert_int_equal(vdisk_compare_and_write(&mismatch, fixture->disk, other, wanted, SECTOR, offset, 0, &err),
                     -EILSEQ);
    assert_int_equal(mismatch, offset + place);
    assert_says(&err, -EILSEQ, "differs at offset");
    assert_true(holds(offset, there, SECTOR));
}

static void a_mismatch_is_told_with_its_offset_on_the_disk(void **state)
{
    static const uint64_t offsets[] = {0, 1024, 4 * MIB - SECTOR, 4 * MIB, 13 * MIB + SECTOR};

    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        check_mismatch(*state, offsets[i], 0);
        check_mismatch(*state, offsets[i], 100);
        check_mismatch(*state, offsets[i], SECTOR - 1);
    }
}

static void a_mismatch_inside_a_sector_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;

    prepare(5 * MIB, 100);
    done = on_queue(fixture, other + 90, 20, 5 * MIB + 90);
    assert_int_equal(done.result, -EILSEQ);
    assert_int_equal(done.value, 5 * MIB + 100);
}

static void a_mismatch_on_a_striped_image_is_told(void **state)
{
    struct fixture *fixture = *state;

    close_disk(fixture->disk);
    fake_stripe_image("p", "", "i", 64 * KIB, 3);
    fixture->disk = open_disk(IMAGE_URI, 0);
    check_mismatch(fixture, 0, 5);
    check_mismatch(fixture, 12 * MIB + 4 * 64 * KIB + 3 * SECTOR, 5);
}

static void errors_come_without_an_offset(void **state)
{
    static const int errors[] = {-EIO, -EDQUOT, -ENOSPC, -EINVAL};
    struct fixture *fixture = *state;
    struct vdisk_completion done;
    uint64_t mismatch = 7;

    prepare(0, 0);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        fake_next_result(FAKE_COMPARE, errors[i]);
        done = on_queue(fixture, there, SECTOR, 0);
        assert_int_equal(done.result, errors[i]);
        assert_int_equal(done.value, 0);
    }
    fake_next_result(FAKE_COMPARE, -EIO);
    assert_int_equal(vdisk_compare_and_write(&mismatch, fixture->disk, there, wanted, 1, 0, 0, NULL), -EIO);
    assert_int_equal(mismatch, 0);
}

static void both_buffers_are_copied(void **state)
{
    struct fixture *fixture = *state;
    char compare[SECTOR], write[SECTOR];

    prepare(0, 0);
    memcpy(compare, there, SECTOR);
    memcpy(write, wanted, SECTOR);
    fake_hold(FAKE_COMPARE);
    assert_int_equal(vdisk_aio_compare_and_write(fixture->queue, fixture->disk, compare, write, SECTOR, 0, 0, NULL), 0);
    memset(compare, 'x', SECTOR);
    memset(write, 'x', SECTOR);
    fake_release_all();
    assert_int_equal(reap_one(fixture->queue), 0);
    assert_true(holds(0, wanted, SECTOR));
}

static void a_mismatch_of_a_range_that_is_cut_off_says_eio(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_completion done;

    prepare(MIB, 3);
    fake_hold(FAKE_COMPARE);
    assert_int_equal(vdisk_aio_compare_and_write(fixture->queue, fixture->disk, other, wanted, SECTOR, MIB, 0, NULL),
                     0);
    assert_int_equal(vdisk_resize(fixture->disk, MIB + 5, VDISK_RESIZE_SHRINK, NULL), 0);
    fake_release_all();
    assert_int_equal(vdisk_queue_wait(fixture->queue, &done, 1, 1, 30000), 1);
    assert_int_equal(done.result, -EIO);
    assert_int_equal(done.value, 0);
}

static void a_range_that_is_cut_off_says_eio(void **state)
{
    struct fixture *fixture = *state;

    prepare(MIB, 0);
    for (int told = 0; told < 2; told++) {
        fake_hold(FAKE_COMPARE);
        assert_int_equal(
            vdisk_aio_compare_and_write(fixture->queue, fixture->disk, there, wanted, SECTOR, MIB, 0, NULL), 0);
        if (told)
            assert_int_equal(vdisk_resize(fixture->disk, MIB + 5, VDISK_RESIZE_SHRINK, NULL), 0);
        else
            fake_resize_image("p", "", "i", MIB - 5, false);
        fake_release_all();
        assert_int_equal(reap_one(fixture->queue), -EIO);
        assert_int_equal(vdisk_resize(fixture->disk, IMAGE_SIZE, 0, NULL), 0);
        prepare(MIB, 0);
    }
}

/* What counts as written. */

static void close_counting(struct fixture *fixture, unsigned int flushes)
{
    unsigned int before = fake_calls("rbd_flush");

    close_disk(fixture->disk);
    assert_int_equal(fake_calls("rbd_flush") - before, flushes);
    fixture->disk = open_disk(IMAGE_URI, 0);
}

static void only_what_may_have_written_is_flushed_by_close(void **state)
{
    struct fixture *fixture = *state;

    prepare(0, 0);
    assert_int_equal(on_queue(fixture, other, SECTOR, 0).result, -EILSEQ);
    close_counting(fixture, 0);
    fake_next_result(FAKE_COMPARE, -EIO);
    assert_int_equal(on_queue(fixture, there, SECTOR, 0).result, -EIO);
    close_counting(fixture, 1);
    assert_int_equal(on_queue(fixture, there, SECTOR, 0).result, 0);
    close_counting(fixture, 1);
}

/* Arguments. */

static int refusal(struct fixture *fixture, struct vdisk *disk, const void *compare, const void *write, uint64_t length,
                   uint64_t offset, uint32_t flags, struct vdisk_error *err)
{
    uint64_t mismatch = 7;
    int r = vdisk_compare_and_write(&mismatch, disk, compare, write, length, offset, flags, err);

    assert_int_equal(mismatch, 0);
    assert_int_equal(vdisk_aio_compare_and_write(fixture->queue, disk, compare, write, length, offset, flags, NULL), r);
    assert_int_equal(fake_calls("rbd_aio_compare_and_write"), 0);
    return r;
}

static void a_range_across_a_boundary_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(refusal(fixture, fixture->disk, there, wanted, 2, 511, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "cross a boundary of 512 bytes");
    assert_int_equal(refusal(fixture, fixture->disk, there, wanted, 513, 0, 0, NULL), -EINVAL);
    assert_int_equal(refusal(fixture, fixture->disk, there, wanted, UINT64_MAX, 512, 0, NULL), -EINVAL);
}

static void bad_arguments_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    assert_int_equal(refusal(fixture, NULL, there, wanted, 1, 0, 0, NULL), -EINVAL);
    assert_int_equal(refusal(fixture, fixture->disk, NULL, wanted, 1, 0, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "compare");
    assert_int_equal(refusal(fixture, fixture->disk, there, NULL, 1, 0, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "write");
    assert_int_equal(refusal(fixture, fixture->disk, there, wanted, 1, 0, VDISK_IO_ZERO_COPY, NULL), -EINVAL);
    assert_int_equal(refusal(fixture, fixture->disk, there, wanted, 1, IMAGE_SIZE, 0, &err), -EINVAL);
    assert_says(&err, -EINVAL, "not inside image");
    assert_int_equal(vdisk_aio_compare_and_write(NULL, fixture->disk, there, wanted, 1, 0, 0, NULL), -EINVAL);
}

static void a_length_of_zero_does_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(vdisk_compare_and_write(NULL, fixture->disk, NULL, NULL, 0, IMAGE_SIZE, 0, NULL), 0);
    assert_int_equal(on_queue(fixture, NULL, 0, 511).result, 0);
    assert_int_equal(fake_calls("rbd_aio_compare_and_write"), 0);
}

static void a_read_only_disk_is_not_changed(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    struct vdisk_error err;

    assert_int_equal(refusal(fixture, disk, there, wanted, 1, 0, 0, &err), -EROFS);
    assert_says(&err, -EROFS, "read-only");
    close_disk(disk);
}

static void a_disk_with_a_cache_that_keeps_data_has_none(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = open_disk(IMAGE_URI ":rbd_cache=true:rbd_cache_policy=writeback", 0);
    struct vdisk_error err;

    assert_int_equal(refusal(fixture, disk, there, wanted, 1, 0, 0, &err), -EOPNOTSUPP);
    assert_says(&err, -EOPNOTSUPP, "cache");
    close_disk(disk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_disk, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_replaced),
        TEST(a_mismatch_is_told_with_its_offset_on_the_disk),
        TEST(a_mismatch_inside_a_sector_is_told),
        TEST(a_mismatch_on_a_striped_image_is_told),
        TEST(errors_come_without_an_offset),
        TEST(both_buffers_are_copied),
        TEST(a_range_that_is_cut_off_says_eio),
        TEST(a_mismatch_of_a_range_that_is_cut_off_says_eio),
        TEST(only_what_may_have_written_is_flushed_by_close),
        TEST(a_range_across_a_boundary_is_refused),
        TEST(bad_arguments_are_refused),
        TEST(a_length_of_zero_does_nothing),
        TEST(a_read_only_disk_is_not_changed),
        TEST(a_disk_with_a_cache_that_keeps_data_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
