/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk_fixture.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#include "fake.h"
#include "wrap.h"

/* So many more options than there are, each with names of their own, are told. */
static int more;

int __real_rbd_config_image_list(rbd_image_t image, rbd_config_option_t *options, int *max);
int __wrap_rbd_config_image_list(rbd_image_t image, rbd_config_option_t *options, int *max);

int __wrap_rbd_config_image_list(rbd_image_t image, rbd_config_option_t *options, int *max)
{
    int r, room = *max;

    r = __real_rbd_config_image_list(image, options, max);
    if (r < 0 || more == 0)
        return r;
    if (room < *max + more) {
        rbd_config_image_list_cleanup(options, *max);
        *max += more;
        return -ERANGE;
    }
    wrap_exempt(1);
    for (int i = *max; i < *max + more; i++)
        options[i] = (rbd_config_option_t){.name = strdup("rbd_of_later"), .value = strdup("")};
    wrap_exempt(-1);
    *max += more;
    return 0;
}

static int set_up(void **state)
{
    more = 0;
    return set_up_cluster(state);
}

static struct vdisk_info info_of(const char *uri)
{
    struct vdisk *disk = open_disk(uri, VDISK_OPEN_READ_ONLY);
    struct vdisk_info info;

    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    close_disk(disk);
    return info;
}

static void limits_are_told(void **state)
{
    struct vdisk_info info = info_of(IMAGE_URI);

    (void)state;
    assert_int_equal(info.max_discard, VDISK_MAX_DISCARD);
    assert_int_equal(info.max_write_zeroes, VDISK_MAX_WRITE_ZEROES);
    assert_int_equal(info.discard_granularity, 64 * KIB);
    assert_int_equal(info.compare_and_write_boundary, 512);
}

static void granularity_is_as_configured(void **state)
{
    (void)state;
    assert_int_equal(info_of(IMAGE_URI ":rbd_discard_granularity_bytes=16384").discard_granularity, 16 * KIB);
    assert_int_equal(info_of(IMAGE_URI ":rbd_discard_granularity_bytes=33554432").discard_granularity, 4 * MIB);
    assert_int_equal(info_of(IMAGE_URI ":rbd_skip_partial_discard=false").discard_granularity, 1);
    fake_set_image_option("p", "", "i", "rbd_discard_granularity_bytes", "0");
    assert_int_equal(info_of(IMAGE_URI).discard_granularity, 1);
}

static void granularity_follows_stripes(void **state)
{
    (void)state;
    fake_stripe_image("p", "", "i", 16 * KIB, 5);
    assert_int_equal(info_of(IMAGE_URI).discard_granularity, 5 * 64 * KIB);
}

static void an_image_outranks_the_client(void **state)
{
    (void)state;
    fake_set_image_option("p", "", "i", "rbd_discard_granularity_bytes", "131072");
    fake_set_image_option("p", "", "i", "rbd_cache", "true");
    fake_set_image_option("p", "", "i", "rbd_cache_policy", "writethrough");
    assert_int_equal(info_of(IMAGE_URI ":rbd_discard_granularity_bytes=16384").discard_granularity, 128 * KIB);
    assert_int_equal(info_of(IMAGE_URI).compare_and_write_boundary, 0);
}

static void caches_that_keep_data_rule_out_compare_and_write(void **state)
{
    static const struct {
        const char *policy;
        uint64_t boundary;
    } cases[] = {{"writethrough", 0}, {"writeback", 0}, {"writearound", 512}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_set_image_option("p", "", "i", "rbd_cache", "true");
        fake_set_image_option("p", "", "i", "rbd_cache_policy", cases[i].policy);
        assert_int_equal(info_of(IMAGE_URI).compare_and_write_boundary, cases[i].boundary);
        fake_set_image_option("p", "", "i", "rbd_cache", "false");
        assert_int_equal(info_of(IMAGE_URI).compare_and_write_boundary, 512);
    }
}

static void small_stripes_rule_out_compare_and_write(void **state)
{
    (void)state;
    fake_stripe_image("p", "", "i", 1024, 2);
    assert_int_equal(info_of(IMAGE_URI).compare_and_write_boundary, 512);
    fake_stripe_image("p", "", "i", 512, 2);
    assert_int_equal(info_of(IMAGE_URI).compare_and_write_boundary, 0);
}

static void more_options_than_expected_are_asked_for_again(void **state)
{
    (void)state;
    more = 100;
    assert_int_equal(info_of(IMAGE_URI ":rbd_discard_granularity_bytes=16384").discard_granularity, 16 * KIB);
    assert_int_equal(fake_calls("rbd_config_image_list"), 2);
}

static int open_fails(struct vdisk_error *err)
{
    struct vdisk *disk;
    int r = vdisk_open_uri(&disk, IMAGE_URI, NULL, err);

    assert_null(disk);
    return r;
}

static void a_failure_fails_the_open(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_fail_call("rbd_config_image_list", 1, EIO);
    assert_int_equal(open_fails(&err), -EIO);
    assert_says(&err, -EIO, "\"i\"");
}

static void running_out_of_memory_fails_the_open(void **state)
{
    struct vdisk_error err;

    (void)state;
    more = 100;
    for (unsigned int n = 1; n <= 2; n++) {
        wrap_fail_call("realloc", n);
        assert_int_equal(open_fails(&err), -ENOMEM);
        assert_true(wrap_disarm());
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(limits_are_told),
        TEST(granularity_is_as_configured),
        TEST(granularity_follows_stripes),
        TEST(an_image_outranks_the_client),
        TEST(caches_that_keep_data_rule_out_compare_and_write),
        TEST(small_stripes_rule_out_compare_and_write),
        TEST(more_options_than_expected_are_asked_for_again),
        TEST(a_failure_fails_the_open),
        TEST(running_out_of_memory_fails_the_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
