/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discards, zeroes, compare-and-write, and what an image's configuration makes of them. */
#include "agree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define K UINT64_C(1024)
#define SECTOR UINT64_C(512)

static ssize_t do_discard(rbd_image_t of, uint64_t offset, uint64_t length)
{
    struct request request;

    assert_int_equal(rbd_aio_discard(of, offset, length, new_completion(&request)), 0);
    return wait_for(&request);
}

static ssize_t do_zeroes(rbd_image_t of, uint64_t offset, size_t length, int flags)
{
    struct request request;

    assert_int_equal(rbd_aio_write_zeroes(of, offset, length, new_completion(&request), flags, 0), 0);
    return wait_for(&request);
}

static ssize_t do_compare(rbd_image_t of, uint64_t offset, const char *compare, const char *data, size_t length,
                          uint64_t *mismatch)
{
    struct request request;
    ssize_t submitted =
        rbd_aio_compare_and_write(of, offset, length, compare, data, new_completion(&request), mismatch, 0);

    assert_int_equal(submitted, 0);
    return wait_for(&request);
}

static void write_all(rbd_image_t to, size_t size)
{
    char *data = malloc(size);

    assert_non_null(data);
    memset(data, 'a', size);
    assert_int_equal(do_write(to, 0, data, size), 0);
    free(data);
}

/* That of the first `size` bytes, all 'a' before, those from `begin` to before `end` are zero. */
static void check_zero(rbd_image_t of, size_t size, size_t begin, size_t end)
{
    char *data = malloc(size);

    assert_non_null(data);
    assert_int_equal(do_read(of, 0, data, size), size);
    for (size_t i = 0; i < size; i++) {
        if (data[i] != (i >= begin && i < end ? 0 : 'a'))
            fail_msg("byte %zu is %d", i, data[i]);
    }
    free(data);
}

/* Discards. */

static void discards_are_trimmed_to_64_kib(void **state)
{
    static const struct {
        uint64_t offset, length, begin, end;
    } cases[] = {
        {0, 4 * K, 0, 0},
        {1, 64 * K, 0, 0},
        {1, 128 * K, 64 * K, 128 * K},
        {60 * K, 72 * K, 64 * K, 128 * K},
        {64 * K, 64 * K, 64 * K, 128 * K},
        {0, 256 * K, 0, 256 * K},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_all(image, 256 * K);
        assert_int_equal(do_discard(image, cases[i].offset, cases[i].length), 0);
        check_zero(image, 256 * K, cases[i].begin, cases[i].end);
    }
}

/* An image with objects of 1 MiB, to be removed with drop(). */
static rbd_image_t create_striped(char name[80], uint64_t unit, uint64_t count)
{
    rbd_image_options_t options;
    rbd_image_t made;

    rbd_image_options_create(&options);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_ORDER, 20), 0);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_STRIPE_UNIT, unit), 0);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_STRIPE_COUNT, count), 0);
    snprintf(name, 80, "%s-s", image_name);
    assert_int_equal(rbd_create4(pool, name, 16 * SIZE, options), 0);
    rbd_image_options_destroy(options);
    assert_int_equal(rbd_open(pool, name, &made, NULL), 0);
    return made;
}

static void drop(rbd_image_t opened, const char *name)
{
    assert_int_equal(rbd_close(opened), 0);
    assert_int_equal(rbd_remove(pool, name), 0);
}

static void discards_are_trimmed_within_objects_of_stripes(void **state)
{
    char name[80];
    rbd_image_t striped = create_striped(name, 16 * K, 5);

    (void)state;
    write_all(striped, 1280 * K);
    assert_int_equal(do_discard(striped, 320 * K, 192 * K), 0);
    check_zero(striped, 1280 * K, 0, 0);
    /* 64 KiB of an object are every fifth of 20 stripe units, of which this range holds all five times. */
    assert_int_equal(do_discard(striped, 320 * K, 448 * K), 0);
    check_zero(striped, 1280 * K, 320 * K, 640 * K);
    drop(striped, name);
}

static void image_configuration_changes_discards(void **state)
{
    rbd_image_t opened;

    (void)state;
    set_image_option("rbd_discard_granularity_bytes", "131072");
    opened = open_again(NULL);
    write_all(opened, 512 * K);
    assert_int_equal(do_discard(opened, 64 * K, 256 * K), 0);
    check_zero(opened, 512 * K, 128 * K, 256 * K);
    assert_int_equal(rbd_close(opened), 0);
    set_image_option("rbd_skip_partial_discard", "false");
    opened = open_again(NULL);
    write_all(opened, 512 * K);
    assert_int_equal(do_discard(opened, 1, 2), 0);
    check_zero(opened, 512 * K, 1, 3);
    assert_int_equal(rbd_close(opened), 0);
}

/* Zeroes. */

static void zeroes_are_exact(void **state)
{
    static const int flags[] = {0, RBD_WRITE_ZEROES_FLAG_THICK_PROVISION};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_all(image, 256 * K);
        assert_int_equal(do_zeroes(image, 777, 200000, flags[i]), 0);
        check_zero(image, 256 * K, 777, 200777);
        write_all(image, 256 * K);
        assert_int_equal(do_zeroes(image, 513, 1, flags[i]), 0);
        check_zero(image, 256 * K, 513, 514);
    }
}

/* The end, and handles that cannot. */

static void ranges_across_the_end_are_cut_off(void **state)
{
    (void)state;
    assert_int_equal(do_discard(image, SIZE - 10, 20), 0);
    assert_int_equal(do_zeroes(image, SIZE - 10, 20, 0), 0);
    assert_int_equal(do_zeroes(image, SIZE - 10, 20, RBD_WRITE_ZEROES_FLAG_THICK_PROVISION), 0);
    assert_int_equal(size_of(image), SIZE);
}

static void ranges_past_the_end_are_invalid(void **state)
{
    uint64_t mismatch = 7;

    (void)state;
    assert_int_equal(do_discard(image, SIZE, 1), -EINVAL);
    assert_int_equal(do_zeroes(image, SIZE, 1, 0), -EINVAL);
    assert_int_equal(do_zeroes(image, SIZE + 5, 1, RBD_WRITE_ZEROES_FLAG_THICK_PROVISION), -EINVAL);
    assert_int_equal(do_compare(image, SIZE, "", "", 1, &mismatch), -EINVAL);
    assert_int_equal(mismatch, 7);
}

static void empty_ranges_succeed_anywhere(void **state)
{
    (void)state;
    assert_int_equal(do_discard(image, 0, 0), 0);
    assert_int_equal(do_discard(image, SIZE + 5, 0), 0);
    assert_int_equal(do_zeroes(image, 0, 0, 0), 0);
    assert_int_equal(do_zeroes(image, SIZE + 5, 0, 0), 0);
}

static void read_only_handles_refuse(void **state)
{
    rbd_image_t opened = open_read_only(NULL);
    uint64_t mismatch = 7;

    (void)state;
    assert_int_equal(do_discard(opened, 0, 64 * K), -EROFS);
    assert_int_equal(do_discard(opened, 0, 0), -EROFS);
    assert_int_equal(do_zeroes(opened, 0, 20, 0), -EROFS);
    assert_int_equal(do_zeroes(opened, 0, 20, RBD_WRITE_ZEROES_FLAG_THICK_PROVISION), -EROFS);
    assert_int_equal(do_zeroes(opened, SIZE, 20, 0), -EINVAL);
    assert_int_equal(do_compare(opened, 0, "", "", 1, &mismatch), -EROFS);
    assert_int_equal(mismatch, 7);
    assert_int_equal(rbd_close(opened), 0);
}

/* Comparing. */

static void comparing_stays_in_a_sector(void **state)
{
    char zeroes[SECTOR + 1] = {0};
    uint64_t mismatch = 7;

    (void)state;
    assert_int_equal(do_compare(image, 0, zeroes, zeroes, SECTOR, &mismatch), 0);
    assert_int_equal(do_compare(image, 100, zeroes, zeroes, SECTOR - 100, NULL), 0);
    assert_int_equal(do_compare(image, SECTOR - 1, zeroes, zeroes, 1, &mismatch), 0);
    assert_int_equal(do_compare(image, 0, zeroes, zeroes, SECTOR + 1, &mismatch), -EINVAL);
    assert_int_equal(do_compare(image, SECTOR - 1, zeroes, zeroes, 2, &mismatch), -EINVAL);
    assert_int_equal(mismatch, 7);
}

static void equal_bytes_are_replaced(void **state)
{
    char data[SECTOR], got[SECTOR], zeroes[SECTOR] = {0};
    uint64_t mismatch = 7;

    (void)state;
    memset(data, 'd', sizeof data);
    assert_int_equal(do_compare(image, SECTOR, zeroes, data, SECTOR, &mismatch), 0);
    assert_int_equal(do_read(image, SECTOR, got, SECTOR), SECTOR);
    assert_memory_equal(got, data, SECTOR);
    assert_int_equal(do_compare(image, SECTOR, data, zeroes, SECTOR, NULL), 0);
    assert_int_equal(mismatch, 7);
}

/* The mismatch that is told of a request at `offset` that differs in its byte `place`. */
static uint64_t told(rbd_image_t of, uint64_t offset, size_t place)
{
    char compare[20] = {0}, got[20];
    uint64_t mismatch = 7;

    compare[place] = 'x';
    assert_int_equal(do_compare(of, offset, compare, compare, sizeof compare, &mismatch), -EILSEQ);
    assert_int_equal(do_compare(of, offset, compare, compare, sizeof compare, NULL), -EILSEQ);
    assert_int_equal(do_read(of, offset, got, sizeof got), sizeof got);
    assert_int_equal(got[place], 0);
    return mismatch;
}

/* Not the place in the image. */
static void mismatches_are_told_in_the_object(void **state)
{
    char name[80];
    rbd_image_t striped;

    (void)state;
    assert_int_equal(told(image, 0, 0), 0);
    assert_int_equal(told(image, 90, 19), 19);
    assert_int_equal(told(image, SIZE / 2 + 90, 5), 5);
    striped = create_striped(name, 64 * K, 3);
    assert_int_equal(told(striped, 90, 5), 5);
    assert_int_equal(told(striped, 3072 * K + 256 * K + 3 * SECTOR + 7, 5), 3072 * K + 64 * K + 5);
    drop(striped, name);
}

static void comparing_across_the_end_writes_what_is_inside(void **state)
{
    char zeroes[20] = {0}, data[20], got[20];

    (void)state;
    memset(data, 'd', sizeof data);
    assert_int_equal(resize(image, SIZE - 100, true), 0);
    assert_int_equal(do_compare(image, SIZE - 110, zeroes, data, sizeof data, NULL), 0);
    assert_int_equal(resize(image, SIZE, false), 0);
    assert_int_equal(do_read(image, SIZE - 110, got, sizeof got), sizeof got);
    assert_memory_equal(got, data, 10);
    assert_memory_equal(got + 10, zeroes, 10);
}

static void data_is_copied_when_submitted(void **state)
{
    char compare[4] = {0}, data[] = "old", got[4];
    struct request request;

    (void)state;
    assert_int_equal(rbd_aio_compare_and_write(image, 0, 4, compare, data, new_completion(&request), NULL, 0), 0);
    memset(compare, 'x', 4);
    memset(data, 'x', 4);
    assert_int_equal(wait_for(&request), 0);
    assert_int_equal(do_read(image, 0, got, 4), 4);
    assert_string_equal(got, "old");
    memcpy(data, "new", 4);
    assert_int_equal(rbd_aio_write2(image, 0, 4, data, new_completion(&request), LIBRADOS_OP_FLAG_FADVISE_FUA), 0);
    memset(data, 'x', 4);
    assert_int_equal(wait_for(&request), 0);
    assert_int_equal(do_read(image, 0, got, 4), 4);
    assert_string_equal(got, "new");
}

/* Configuration. */

static void image_configuration_is_listed(void **state)
{
    rbd_config_option_t options[256];
    int count = 256, all, seen = 0;

    (void)state;
    set_image_option("rbd_discard_granularity_bytes", "131072");
    assert_int_equal(rbd_config_image_list(image, options, &count), 0);
    assert_true(count > 50 && count < 128);
    for (int i = 0; i < count; i++) {
        bool own = strcmp(options[i].name, "rbd_discard_granularity_bytes") == 0;

        assert_int_equal(options[i].source == RBD_CONFIG_SOURCE_IMAGE, own);
        if (own)
            assert_string_equal(options[i].value, "131072");
        if (strcmp(options[i].name, "rbd_skip_partial_discard") == 0)
            assert_string_equal(options[i].value, "true");
        seen += own || strcmp(options[i].name, "rbd_cache") == 0 || strcmp(options[i].name, "rbd_cache_policy") == 0;
    }
    assert_int_equal(seen, 3);
    rbd_config_image_list_cleanup(options, count);
    all = count;
    count = 1;
    assert_int_equal(rbd_config_image_list(image, options, &count), -ERANGE);
    assert_int_equal(count, all);
}

int agree_on_changes(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(discards_are_trimmed_to_64_kib),       WITH_IMAGE(discards_are_trimmed_within_objects_of_stripes),
        WITH_IMAGE(image_configuration_changes_discards), WITH_IMAGE(zeroes_are_exact),
        WITH_IMAGE(ranges_across_the_end_are_cut_off),    WITH_IMAGE(ranges_past_the_end_are_invalid),
        WITH_IMAGE(empty_ranges_succeed_anywhere),        WITH_IMAGE(read_only_handles_refuse),
        WITH_IMAGE(comparing_stays_in_a_sector),          WITH_IMAGE(equal_bytes_are_replaced),
        WITH_IMAGE(mismatches_are_told_in_the_object),    WITH_IMAGE(comparing_across_the_end_writes_what_is_inside),
        WITH_IMAGE(data_is_copied_when_submitted),        WITH_IMAGE(image_configuration_is_listed),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
