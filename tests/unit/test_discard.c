/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discarding and writing zeroes: what becomes of the bytes, of long ranges, and of errors in the middle of them. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"

/* With room for many pieces of 32 objects of 4 MiB. */
#define BIG_URI "rbd:p/big"
#define BIG_SIZE (UINT64_C(2048) * MIB)
#define PIECE (128 * MIB)

/* The two forms of the two operations. */
struct form {
    const char *name;
    enum fake_kind kind;
    int (*wait)(struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags, struct vdisk_error *err);
    int (*submit)(struct vdisk_queue *queue, struct vdisk *disk, uint64_t length, uint64_t offset, uint32_t flags,
                  void *user_data);
    uint64_t longest;
};

static const struct form forms[] = {
    {"rbd_aio_discard", FAKE_DISCARD, vdisk_discard, vdisk_aio_discard, VDISK_MAX_DISCARD},
    {"rbd_aio_write_zeroes", FAKE_ZEROES, vdisk_write_zeroes, vdisk_aio_write_zeroes, VDISK_MAX_WRITE_ZEROES},
};

#define EACH_FORM(form)                                                                                                \
    const struct form *form = forms;                                                                                   \
    form < forms + 2;                                                                                                  \
    form++

static int set_up(void **state)
{
    struct fixture *fixture;

    set_up_disk(state);
    fixture = *state;
    close_disk(fixture->disk);
    fake_create_image("p", "", "big", BIG_SIZE);
    fixture->disk = open_disk(BIG_URI, 0);
    return 0;
}

static int on_queue(struct fixture *fixture, const struct form *form, uint64_t length, uint64_t offset, uint32_t flags)
{
    int r = form->submit(fixture->queue, fixture->disk, length, offset, flags, NULL);

    return r < 0 ? r : reap_one(fixture->queue);
}

/* What is zero of a pattern of this size at 0 that is there before. */
static void write_pattern(unsigned char *data, size_t size)
{
    memset(data, 0xaa, size);
    fake_image_write("p", "", "big", 0, data, size);
}

static bool only_zero_between(size_t size, size_t begin, size_t end)
{
    static unsigned char data[MIB];

    fake_image_read("p", "", "big", NULL, 0, data, size);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != (i >= begin && i < end ? 0 : 0xaa))
            return false;
    }
    return true;
}

/* Bytes. */

static void a_discard_frees_whole_granules_only(void **state)
{
    static unsigned char data[256 * KIB];
    struct fixture *fixture = *state;

    write_pattern(data, sizeof data);
    assert_int_equal(vdisk_discard(fixture->disk, 150 * KIB, 1, 0, NULL), 0);
    assert_true(only_zero_between(sizeof data, 64 * KIB, 128 * KIB));
    assert_int_equal(on_queue(fixture, &forms[0], 64 * KIB, 128 * KIB + 1, 0), 0);
    assert_true(only_zero_between(sizeof data, 64 * KIB, 128 * KIB));
    assert_int_equal(on_queue(fixture, &forms[0], 64 * KIB, 128 * KIB, 0), 0);
    assert_true(only_zero_between(sizeof data, 64 * KIB, 192 * KIB));
    assert_int_equal(fake_image_pages("p", "", "big"), 32);
}

static void zeroes_are_exact(void **state)
{
    static unsigned char data[256 * KIB];
    static const uint32_t flags[] = {0, VDISK_WRITE_ZEROES_THICK, VDISK_IO_FUA};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 3; i++) {
        write_pattern(data, sizeof data);
        assert_int_equal(vdisk_write_zeroes(fixture->disk, 70000, 333, flags[i], NULL), 0);
        assert_true(only_zero_between(sizeof data, 333, 70333));
        write_pattern(data, sizeof data);
        assert_int_equal(on_queue(fixture, &forms[1], 1, 4097, flags[i]), 0);
        assert_true(only_zero_between(sizeof data, 4097, 4098));
    }
}

static void thick_zeroes_are_stored(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(on_queue(fixture, &forms[1], 64 * KIB, 0, 0), 0);
    assert_int_equal(fake_image_pages("p", "", "big"), 0);
    assert_int_equal(on_queue(fixture, &forms[1], 64 * KIB, 0, VDISK_WRITE_ZEROES_THICK), 0);
    assert_int_equal(fake_image_pages("p", "", "big"), 16);
}

/* Long ranges. */

static void a_long_range_is_taken_in_pieces_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        fake_hold(form->kind);
        assert_int_equal(form->submit(fixture->queue, fixture->disk, form->longest, 64 * MIB, 0, NULL), 0);
        for (unsigned int piece = 1; piece <= 9; piece++) {
            assert_true(fake_wait_held(form->kind, 1));
            allow_time_for(fake_held(form->kind) > 1);
            assert_int_equal(fake_held(form->kind), 1);
            assert_int_equal(fake_calls(form->name), piece);
            assert_int_equal(vdisk_queue_in_flight(fixture->queue), 1);
            assert_int_equal(fake_release(form->kind, 1, FAKE_FIFO, 0), 1);
        }
        assert_int_equal(reap_one(fixture->queue), 0);
        fake_release_all();
    }
}

/* The pieces that a range of so many bytes from the start is cut into. */
static unsigned int pieces_of(struct fixture *fixture, uint64_t length, uint32_t flags)
{
    unsigned int before = fake_calls("rbd_aio_write_zeroes");

    assert_int_equal(on_queue(fixture, &forms[1], length, 0, flags), 0);
    return fake_calls("rbd_aio_write_zeroes") - before;
}

static void stored_zeroes_are_cut_as_writes_are(void **state)
{
    assert_int_equal(pieces_of(*state, PIECE, 0), 1);
    assert_int_equal(pieces_of(*state, PIECE + 1, 0), 2);
    assert_int_equal(pieces_of(*state, VDISK_MAX_REQUEST, VDISK_WRITE_ZEROES_THICK), 1);
    assert_int_equal(pieces_of(*state, 2 * VDISK_MAX_REQUEST, VDISK_WRITE_ZEROES_THICK), 2);
}

static void a_waiting_call_takes_any_length(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        assert_int_equal(form->wait(fixture->disk, BIG_SIZE - 1, 1, 0, NULL), 0);
        assert_int_equal(fake_calls(form->name), BIG_SIZE / PIECE);
    }
}

static void a_queue_takes_up_to_its_limit(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        assert_int_equal(on_queue(fixture, form, form->longest, 0, 0), 0);
        assert_int_equal(on_queue(fixture, form, form->longest + 1, 0, 0), -EINVAL);
    }
}

/* Errors. */

static void an_error_in_the_middle_is_the_result_and_the_end(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        unsigned int before = fake_calls(form->name);

        fake_next_result(form->kind, 0);
        fake_next_result(form->kind, -EDQUOT);
        assert_int_equal(on_queue(fixture, form, 3 * PIECE, 0, 0), -EDQUOT);
        assert_int_equal(fake_calls(form->name) - before, 2);
    }
}

static void a_piece_that_librbd_refuses_is_the_result_and_the_end(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        fake_fail_call(form->name, 2, EIO);
        assert_int_equal(on_queue(fixture, form, 3 * PIECE, 0, 0), -EIO);
        fake_fail_call("rbd_aio_create_completion", 2, ENOMEM);
        assert_int_equal(on_queue(fixture, form, 3 * PIECE, 0, 0), -ENOMEM);
        assert_int_equal(fake_in_flight(), 0);
    }
}

static void a_request_that_librbd_refuses_is_refused(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        fake_fail_call(form->name, 1, EIO);
        assert_int_equal(form->submit(fixture->queue, fixture->disk, 512, 0, 0, NULL), -EIO);
        assert_int_equal(vdisk_queue_in_flight(fixture->queue), 0);
    }
}

static void the_sentence_says_what_was_done(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    fake_next_result(FAKE_DISCARD, -EIO);
    assert_int_equal(vdisk_discard(fixture->disk, 512, 0, 0, &err), -EIO);
    assert_says(&err, -EIO, "Discarding from image \"big\"");
    fake_next_result(FAKE_ZEROES, -EIO);
    assert_int_equal(vdisk_write_zeroes(fixture->disk, 512, 0, 0, &err), -EIO);
    assert_says(&err, -EIO, "Writing zeroes to image \"big\"");
}

/* Shrunk to `size` while the request is with librbd, of which this disk is told or not. */
static int shrunk(struct fixture *fixture, const struct form *form, uint64_t offset, uint64_t size, bool told)
{
    int r;

    fake_hold(form->kind);
    assert_int_equal(form->submit(fixture->queue, fixture->disk, MIB, offset, 0, NULL), 0);
    if (told)
        assert_int_equal(vdisk_resize(fixture->disk, size, VDISK_RESIZE_SHRINK, NULL), 0);
    else
        fake_resize_image("p", "", "big", size, false);
    fake_release_all();
    r = reap_one(fixture->queue);
    assert_int_equal(vdisk_resize(fixture->disk, BIG_SIZE, 0, NULL), 0);
    return r;
}

static void a_range_that_is_cut_off_says_eio(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        assert_int_equal(shrunk(fixture, form, 0, 600, true), -EIO);
        assert_int_equal(shrunk(fixture, form, MIB, 600, true), -EIO);
        assert_int_equal(shrunk(fixture, form, MIB, 600, false), -EIO);
        assert_int_equal(shrunk(fixture, form, 0, MIB, true), 0);
    }
}

static void a_rest_that_is_cut_off_says_eio(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        fake_hold(form->kind);
        assert_int_equal(form->submit(fixture->queue, fixture->disk, 3 * PIECE, 0, 0, NULL), 0);
        assert_int_equal(vdisk_resize(fixture->disk, PIECE, VDISK_RESIZE_SHRINK, NULL), 0);
        fake_release_all();
        assert_int_equal(reap_one(fixture->queue), -EIO);
        assert_int_equal(vdisk_resize(fixture->disk, BIG_SIZE, 0, NULL), 0);
    }
}

static void einval_without_shrinking_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        fake_next_result(form->kind, -EINVAL);
        assert_int_equal(on_queue(fixture, form, 512, 0, 0), -EINVAL);
    }
}

/* Closing. */

static void closing_waits_for_all_pieces_and_flushes(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        unsigned int flushes = fake_calls("rbd_flush");

        fake_hold(form->kind);
        assert_int_equal(form->submit(fixture->queue, fixture->disk, 2 * PIECE, 0, 0, NULL), 0);
        start_closing(&closing, fixture->disk);
        assert_int_equal(fake_release(form->kind, 1, FAKE_FIFO, 0), 1);
        assert_true(fake_wait_held(form->kind, 1));
        assert_false(is_over(&closing.background));
        fake_release_all();
        assert_int_equal(end_closing(&closing), 0);
        assert_int_equal(reap_one(fixture->queue), 0);
        assert_int_equal(fake_calls("rbd_flush") - flushes, 1);
        fixture->disk = open_disk(BIG_URI, 0);
    }
    assert_false(fake_image_closed_unflushed("p", "", "big"));
}

/* Arguments. */

static void bad_arguments_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk_error err;

    for (EACH_FORM(form)) {
        assert_int_equal(form->wait(fixture->disk, 2, BIG_SIZE - 1, 0, &err), -EINVAL);
        assert_says(&err, -EINVAL, "not inside image");
        assert_int_equal(form->wait(fixture->disk, UINT64_MAX, 1, 0, NULL), -EINVAL);
        assert_int_equal(on_queue(fixture, form, 2, BIG_SIZE - 1, 0), -EINVAL);
        assert_int_equal(on_queue(fixture, form, 1, UINT64_MAX, 0), -EINVAL);
        assert_int_equal(form->wait(fixture->disk, 1, 0, VDISK_IO_ZERO_COPY, &err), -EINVAL);
        assert_says(&err, -EINVAL, "flags");
        assert_int_equal(on_queue(fixture, form, 1, 0, VDISK_IO_ZERO_COPY), -EINVAL);
        assert_int_equal(form->wait(NULL, 1, 0, 0, NULL), -EINVAL);
        assert_int_equal(form->submit(NULL, fixture->disk, 1, 0, 0, NULL), -EINVAL);
        assert_int_equal(form->submit(fixture->queue, NULL, 1, 0, 0, NULL), -EINVAL);
        assert_int_equal(fake_calls(form->name), 0);
    }
    assert_int_equal(vdisk_discard(fixture->disk, 1, 0, VDISK_IO_FUA, NULL), -EINVAL);
    assert_int_equal(on_queue(fixture, &forms[0], 1, 0, VDISK_WRITE_ZEROES_THICK), -EINVAL);
}

static void a_length_of_zero_does_nothing(void **state)
{
    struct fixture *fixture = *state;

    for (EACH_FORM(form)) {
        assert_int_equal(form->wait(fixture->disk, 0, BIG_SIZE, 0, NULL), 0);
        assert_int_equal(on_queue(fixture, form, 0, BIG_SIZE, 0), 0);
        assert_int_equal(on_queue(fixture, form, 0, BIG_SIZE + 1, 0), -EINVAL);
        assert_int_equal(fake_calls(form->name), 0);
    }
}

static void a_read_only_disk_is_not_changed(void **state)
{
    struct fixture *fixture = *state;
    struct vdisk *disk = open_disk(BIG_URI, VDISK_OPEN_READ_ONLY);
    struct vdisk_error err;

    for (EACH_FORM(form)) {
        assert_int_equal(form->wait(disk, 1, 0, 0, &err), -EROFS);
        assert_says(&err, -EROFS, "read-only");
        assert_int_equal(form->submit(fixture->queue, disk, 1, 0, 0, NULL), -EROFS);
    }
    close_disk(disk);
}

static void a_closing_disk_refuses(void **state)
{
    static struct closing closing;
    struct fixture *fixture = *state;

    fake_hold(FAKE_DISCARD);
    assert_int_equal(vdisk_aio_discard(fixture->queue, fixture->disk, 512, 0, 0, NULL), 0);
    start_closing(&closing, fixture->disk);
    for (EACH_FORM(form)) {
        assert_int_equal(form->wait(fixture->disk, 1, 0, 0, NULL), -ESHUTDOWN);
        assert_int_equal(on_queue(fixture, form, 1, 0, 0), -ESHUTDOWN);
    }
    fake_release_all();
    assert_int_equal(end_closing(&closing), 0);
    fixture->disk = NULL;
    assert_int_equal(reap_one(fixture->queue), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_disk)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_discard_frees_whole_granules_only),
        TEST(zeroes_are_exact),
        TEST(thick_zeroes_are_stored),
        TEST(a_long_range_is_taken_in_pieces_one_at_a_time),
        TEST(stored_zeroes_are_cut_as_writes_are),
        TEST(a_waiting_call_takes_any_length),
        TEST(a_queue_takes_up_to_its_limit),
        TEST(an_error_in_the_middle_is_the_result_and_the_end),
        TEST(a_piece_that_librbd_refuses_is_the_result_and_the_end),
        TEST(a_request_that_librbd_refuses_is_refused),
        TEST(the_sentence_says_what_was_done),
        TEST(a_range_that_is_cut_off_says_eio),
        TEST(a_rest_that_is_cut_off_says_eio),
        TEST(einval_without_shrinking_is_an_error),
        TEST(closing_waits_for_all_pieces_and_flushes),
        TEST(bad_arguments_are_refused),
        TEST(a_length_of_zero_does_nothing),
        TEST(a_read_only_disk_is_not_changed),
        TEST(a_closing_disk_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
