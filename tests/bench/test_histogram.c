/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "histogram.h"

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct histogram));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void an_empty_one_has_only_zeroes(void **state)
{
    struct histogram *histogram = *state;

    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    assert_true(histogram_mean(histogram) == 0.0);
}

static void small_values_are_exact(void **state)
{
    struct histogram *histogram = *state;

    for (uint64_t value = 1; value <= 60; value++)
        histogram_add(histogram, value);
    assert_int_equal(histogram_quantile(histogram, 0.5), 30);
    assert_int_equal(histogram_quantile(histogram, 1), 60);
    assert_int_equal(histogram->least, 1);
    assert_int_equal(histogram->most, 60);
    assert_true(histogram_mean(histogram) == 30.5);
}

/* Around every power of two, where buckets get wider. */
static void every_value_is_found_again_within_a_thirtieth(void **state)
{
    (void)state;
    for (unsigned int bit = 1; bit < 64; bit++) {
        for (int step = -1; step <= 1; step++) {
            struct histogram *histogram = calloc(1, sizeof *histogram);
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)step, found;

            assert_non_null(histogram);
            histogram_add(histogram, value);
            histogram_add(histogram, UINT64_MAX);
            found = histogram_quantile(histogram, 0.5);
            assert_true(found >= value && found - value <= value / 30);
            assert_int_equal(histogram_quantile(histogram, 1), UINT64_MAX);
            free(histogram);
        }
    }
}

static void merging_adds_what_both_have_seen(void **state)
{
    struct histogram *histogram = *state, *other = calloc(1, sizeof *other);

    assert_non_null(other);
    histogram_add(histogram, 10);
    histogram_merge(histogram, other);
    assert_int_equal(histogram->least, 10);
    histogram_add(other, 2);
    histogram_add(other, 30);
    histogram_merge(histogram, other);
    assert_int_equal(histogram->count, 3);
    assert_int_equal(histogram->least, 2);
    assert_int_equal(histogram->most, 30);
    assert_int_equal(histogram_quantile(histogram, 0.5), 10);
    free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(an_empty_one_has_only_zeroes),
        TEST(small_values_are_exact),
        TEST(every_value_is_found_again_within_a_thirtieth),
        TEST(merging_adds_what_both_have_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
