/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/iov.h"

/* The length. */

static char byte;

static void check_length(const struct iovec *iov, int iovcnt, uint64_t expected)
{
    uint64_t length = 42;

    assert_int_equal(vd_iov_length(&length, iov, iovcnt), 0);
    assert_int_equal(length, expected);
}

static void check_invalid(const struct iovec *iov, int iovcnt)
{
    uint64_t length = 42;

    assert_int_equal(vd_iov_length(&length, iov, iovcnt), -EINVAL);
    /* Out-parameters are always set. */
    assert_int_equal(length, 0);
}

static void the_length_is_the_sum(void **state)
{
    const struct iovec iov[] = {{&byte, 5}, {&byte, 0}, {&byte, 1}, {&byte, UINT64_C(1) << 40}};

    (void)state;
    check_length(iov, 1, 5);
    check_length(iov, 2, 5);
    check_length(iov, 3, 6);
    check_length(iov, 4, (UINT64_C(1) << 40) + 6);
}

static void no_buffers_have_the_length_0(void **state)
{
    const struct iovec iov = {&byte, 5};

    (void)state;
    check_length(&iov, 0, 0);
    check_length(NULL, 0, 0);
}

static void a_negative_count_is_invalid(void **state)
{
    const struct iovec iov = {&byte, 5};

    (void)state;
    check_invalid(&iov, -1);
    check_invalid(NULL, -1);
    check_invalid(&iov, INT32_MIN);
}

static void there_may_be_1024_buffers_and_no_more(void **state)
{
    static struct iovec iov[1025];

    (void)state;
    for (size_t i = 0; i < 1025; i++)
        iov[i] = (struct iovec){&byte, 2};
    check_length(iov, 1024, 2048);
    check_invalid(iov, 1025);
    check_invalid(iov, INT32_MAX);
}

static void an_array_at_null_is_invalid(void **state)
{
    (void)state;
    check_invalid(NULL, 1);
}

static void a_buffer_at_null_may_only_be_empty(void **state)
{
    const struct iovec empty[] = {{&byte, 1}, {NULL, 0}, {&byte, 1}};
    const struct iovec not_empty[] = {{&byte, 1}, {NULL, 1}, {&byte, 1}};

    (void)state;
    check_length(empty, 3, 2);
    check_invalid(not_empty, 3);
    /* Beyond the count nothing is looked at. */
    check_length(not_empty, 1, 1);
}

static void a_sum_that_overflows_is_invalid(void **state)
{
    const struct iovec by_one[] = {{&byte, SIZE_MAX}, {&byte, 1}};
    const struct iovec by_far[] = {{&byte, SIZE_MAX}, {&byte, SIZE_MAX}, {&byte, 2}};
    const struct iovec just_not[] = {{&byte, SIZE_MAX - 1}, {&byte, 1}, {&byte, 0}};

    (void)state;
    check_invalid(by_one, 2);
    check_invalid(by_far, 3);
    check_length(just_not, 3, UINT64_MAX);
}

/*
 * Slices and copies, against a model: `at` has the address of each byte of the array, in order.
 */

#define MAX_BUFFERS 12
#define MAX_LENGTH 9
#define MAX_TOTAL (MAX_BUFFERS * MAX_LENGTH)
#define ARRAYS 2000

struct model {
    struct iovec iov[MAX_BUFFERS];
    int iovcnt;
    unsigned char *at[MAX_TOTAL];
    uint64_t total;
};

static uint32_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % bound;
}

/* Empty ones are at NULL or not; others are allocated each by itself, so that AddressSanitizer sees a byte too many. */
static void make_buffer(struct model *model, struct iovec *buffer)
{
    buffer->iov_len = random_below(3) == 0 ? 0 : random_below(MAX_LENGTH) + 1;
    if (buffer->iov_len == 0 && random_below(2) == 0) {
        buffer->iov_base = NULL;
        return;
    }
    buffer->iov_base = malloc(buffer->iov_len + (buffer->iov_len == 0));
    assert_non_null(buffer->iov_base);
    for (size_t i = 0; i < buffer->iov_len; i++) {
        unsigned char *here = (unsigned char *)buffer->iov_base + i;

        *here = (unsigned char)(random_below(255) + 1);
        model->at[model->total++] = here;
    }
}

static void make_model(struct model *model)
{
    memset(model, 0, sizeof *model);
    model->iovcnt = (int)random_below(MAX_BUFFERS + 1);
    for (int i = 0; i < model->iovcnt; i++)
        make_buffer(model, &model->iov[i]);
}

static void free_model(struct model *model)
{
    for (int i = 0; i < model->iovcnt; i++)
        free(model->iov[i].iov_base);
}

/* A range within the array: `skip` and `length`, each end included. */
static void random_range(const struct model *model, uint64_t *skip, uint64_t *length)
{
    *skip = random_below((uint32_t)model->total + 1);
    *length = random_below((uint32_t)(model->total - *skip) + 1);
}

static void for_random_arrays(void (*check)(struct model *model))
{
    random_state = 20240229;
    for (int i = 0; i < ARRAYS; i++) {
        struct model model;

        make_model(&model);
        check(&model);
        free_model(&model);
    }
}

/* The bytes of the slice are those of the range, and no buffer of it is empty. */
static void compare_slice(const struct model *model, const struct iovec *slice, int count, uint64_t skip,
                          uint64_t length)
{
    uint64_t done = 0;

    for (int i = 0; i < count; i++) {
        assert_true(slice[i].iov_len > 0);
        assert_true(slice[i].iov_len <= length - done);
        for (size_t k = 0; k < slice[i].iov_len; k++, done++)
            assert_ptr_equal((unsigned char *)slice[i].iov_base + k, model->at[skip + done]);
    }
    assert_int_equal(done, length);
}

static void check_slice(struct model *model)
{
    struct iovec slice[MAX_BUFFERS + 1];
    const struct iovec untouched = {.iov_base = &byte, .iov_len = 4711};
    uint64_t skip, length;
    int count;

    random_range(model, &skip, &length);
    count = vd_iov_slice_count(model->iov, model->iovcnt, skip, length);
    assert_in_range(count, 0, model->iovcnt);
    slice[count] = untouched;
    vd_iov_slice(slice, model->iov, model->iovcnt, skip, length);
    compare_slice(model, slice, count, skip, length);
    assert_memory_equal(&slice[count], &untouched, sizeof untouched);
}

static void a_slice_has_the_bytes_of_the_range_and_no_empty_buffers(void **state)
{
    (void)state;
    for_random_arrays(check_slice);
}

static void check_whole(struct model *model)
{
    struct iovec slice[MAX_BUFFERS];
    int count = vd_iov_slice_count(model->iov, model->iovcnt, 0, model->total);

    vd_iov_slice(slice, model->iov, model->iovcnt, 0, model->total);
    compare_slice(model, slice, count, 0, model->total);
}

static void a_slice_of_everything_is_the_array_without_empty_buffers(void **state)
{
    (void)state;
    for_random_arrays(check_whole);
}

static void check_gather(struct model *model)
{
    uint64_t skip, length;
    unsigned char *to;

    random_range(model, &skip, &length);
    to = malloc(length + 1);
    assert_non_null(to);
    to[length] = 0xee;
    vd_iov_gather(to, model->iov, model->iovcnt, skip, length);
    for (uint64_t i = 0; i < length; i++)
        assert_int_equal(to[i], *model->at[skip + i]);
    assert_int_equal(to[length], 0xee);
    free(to);
}

static void gathering_copies_the_bytes_of_the_range(void **state)
{
    (void)state;
    for_random_arrays(check_gather);
}

static void remember(unsigned char *bytes, const struct model *model)
{
    for (uint64_t i = 0; i < model->total; i++)
        bytes[i] = *model->at[i];
}

static void check_scatter(struct model *model)
{
    unsigned char before[MAX_TOTAL], *from;
    uint64_t length = random_below((uint32_t)model->total + 1);

    remember(before, model);
    from = malloc(length + (length == 0));
    assert_non_null(from);
    for (uint64_t i = 0; i < length; i++)
        from[i] = (unsigned char)random_below(256);
    vd_iov_scatter(model->iov, model->iovcnt, from, length);
    for (uint64_t i = 0; i < model->total; i++)
        assert_int_equal(*model->at[i], i < length ? from[i] : before[i]);
    free(from);
}

static void scattering_fills_the_start_and_leaves_the_rest(void **state)
{
    (void)state;
    for_random_arrays(check_scatter);
}

static void check_zero(struct model *model)
{
    unsigned char before[MAX_TOTAL];
    uint64_t skip = random_below((uint32_t)model->total + 1);

    remember(before, model);
    vd_iov_zero(model->iov, model->iovcnt, skip);
    for (uint64_t i = 0; i < model->total; i++)
        assert_int_equal(*model->at[i], i < skip ? before[i] : 0);
}

static void zeroing_clears_the_end_and_leaves_the_start(void **state)
{
    (void)state;
    for_random_arrays(check_zero);
}

static void nothing_of_nothing_is_nothing(void **state)
{
    struct iovec slice = {&byte, 4711};

    (void)state;
    byte = 'x';
    assert_int_equal(vd_iov_slice_count(NULL, 0, 0, 0), 0);
    vd_iov_slice(&slice, NULL, 0, 0, 0);
    assert_int_equal(slice.iov_len, 4711);
    vd_iov_gather(&byte, NULL, 0, 0, 0);
    assert_int_equal(byte, 'x');
    vd_iov_scatter(NULL, 0, &byte, 0);
    vd_iov_zero(NULL, 0, 0);
}

static void zeroing_from_beyond_the_end_touches_nothing(void **state)
{
    char bytes[4] = "abc";
    const struct iovec iov[] = {{bytes, 2}, {NULL, 0}, {bytes + 2, 2}};

    (void)state;
    vd_iov_zero(iov, 3, 4);
    vd_iov_zero(iov, 3, 5);
    vd_iov_zero(iov, 3, UINT64_MAX);
    assert_memory_equal(bytes, "abc", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_is_the_sum),
        cmocka_unit_test(no_buffers_have_the_length_0),
        cmocka_unit_test(a_negative_count_is_invalid),
        cmocka_unit_test(there_may_be_1024_buffers_and_no_more),
        cmocka_unit_test(an_array_at_null_is_invalid),
        cmocka_unit_test(a_buffer_at_null_may_only_be_empty),
        cmocka_unit_test(a_sum_that_overflows_is_invalid),
        cmocka_unit_test(a_slice_has_the_bytes_of_the_range_and_no_empty_buffers),
        cmocka_unit_test(a_slice_of_everything_is_the_array_without_empty_buffers),
        cmocka_unit_test(gathering_copies_the_bytes_of_the_range),
        cmocka_unit_test(scattering_fills_the_start_and_leaves_the_rest),
        cmocka_unit_test(zeroing_clears_the_end_and_leaves_the_start),
        cmocka_unit_test(nothing_of_nothing_is_nothing),
        cmocka_unit_test(zeroing_from_beyond_the_end_touches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
