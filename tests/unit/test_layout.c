/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/layout.h"

#define K UINT64_C(1024)
#define M (K * K)

static const struct vd_layout plain = {4 * M, 4 * M, 1};
static const struct vd_layout striped = {4 * M, 64 * K, 5};

static void granularity_of_unstriped_images_is_that_of_their_objects(void **state)
{
    const struct vd_layout small = {8 * K, 8 * K, 1};

    (void)state;
    assert_int_equal(vd_layout_granularity(&plain, 64 * K), 64 * K);
    assert_int_equal(vd_layout_granularity(&plain, 1), 1);
    assert_int_equal(vd_layout_granularity(&small, 64 * K), 8 * K);
    assert_int_equal(vd_layout_granularity(&plain, 64 * M), 4 * M);
}

static void granularity_beyond_a_stripe_unit_takes_a_row(void **state)
{
    (void)state;
    assert_int_equal(vd_layout_granularity(&striped, 64 * K), 64 * K);
    assert_int_equal(vd_layout_granularity(&striped, 128 * K), 5 * 128 * K);
    assert_int_equal(vd_layout_granularity(&striped, 1), 1);
}

static void pieces_are_whole_sets_of_about_32_objects(void **state)
{
    const struct vd_layout wide = {4 * M, 64 * K, 100};
    const struct vd_layout half = {4 * M, 64 * K, 20};

    (void)state;
    assert_int_equal(vd_layout_piece(&plain), 32 * 4 * M);
    assert_int_equal(vd_layout_piece(&striped), 6 * 5 * 4 * M);
    assert_int_equal(vd_layout_piece(&half), 20 * 4 * M);
    assert_int_equal(vd_layout_piece(&wide), 100 * 4 * M);
}

/* The first stripe units of a set's objects are its first row. */
static void objects_start_in_the_first_row(void **state)
{
    (void)state;
    assert_int_equal(vd_layout_object_start(&plain, 0), 0);
    assert_int_equal(vd_layout_object_start(&plain, 4 * M - 1), 0);
    assert_int_equal(vd_layout_object_start(&plain, 9 * M), 8 * M);
    assert_int_equal(vd_layout_object_start(&striped, 64 * K - 1), 0);
    assert_int_equal(vd_layout_object_start(&striped, 64 * K), 64 * K);
    assert_int_equal(vd_layout_object_start(&striped, 5 * 64 * K + 1), 0);
    assert_int_equal(vd_layout_object_start(&striped, 20 * M + 7 * 64 * K + 5), 20 * M + 2 * 64 * K);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(granularity_of_unstriped_images_is_that_of_their_objects),
        cmocka_unit_test(granularity_beyond_a_stripe_unit_takes_a_row),
        cmocka_unit_test(pieces_are_whole_sets_of_about_32_objects),
        cmocka_unit_test(objects_start_in_the_first_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
