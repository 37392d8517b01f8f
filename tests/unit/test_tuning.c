/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tuning sets, and what outranks it. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "option_helpers.h"

static const char *const keys[] = {"librados_thread_count", "rbd_sparse_read_threshold_bytes", "ms_async_op_threads"};

struct values {
    const char *value[sizeof keys / sizeof *keys];
};

static void assert_values(const char *uri, const struct vdisk_open_options *options, struct values expected)
{
    struct vdisk_error err;
    struct vdisk *disk;

    if (vdisk_open_uri(&disk, uri, options, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_string_equal(fake_conf_get(keys[i]), expected.value[i]);
    close_disk(disk);
}

#define VALUES(...) ((struct values){{__VA_ARGS__}})

static void without_it_all_is_as_ceph_has_it(void **state)
{
    (void)state;
    assert_values(IMAGE_URI, NULL, VALUES("2", "65536", "3"));
    assert_values(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_NONE), VALUES("2", "65536", "3"));
}

static void profiles_set_what_they_state(void **state)
{
    (void)state;
    assert_values(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_THROUGHPUT), VALUES("1", "1073741824", "3"));
    assert_values(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_FOOTPRINT), VALUES("1", "1073741824", "1"));
}

static void a_file_outranks_them_with_ceph_s_default_too(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, "key = x\nlibrados_thread_count = 2\nms_async_op_threads = 5\n");
    assert_values(IMAGE_URI, OPTIONS(.tuning = VDISK_TUNE_FOOTPRINT), VALUES("2", "1073741824", "5"));
}

static void the_uri_and_the_program_outrank_them(void **state)
{
    static const struct vdisk_option own = {"ms_async_op_threads", "3"};

    (void)state;
    assert_values(IMAGE_URI ":rbd_sparse_read_threshold_bytes=64K",
                  OPTIONS(.tuning = VDISK_TUNE_FOOTPRINT, .options = &own, .option_count = 1),
                  VALUES("1", "65536", "3"));
}

static void unknown_ones_are_refused(void **state)
{
    static const uint32_t unknown[] = {VDISK_TUNE_FOOTPRINT + 1, UINT32_MAX};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, OPTIONS(.tuning = unknown[i]), &err), -EINVAL);
        assert_says(&err, -EINVAL, "tuning");
    }
    assert_int_equal(fake_calls(NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_it_all_is_as_ceph_has_it),
        TEST(profiles_set_what_they_state),
        TEST(a_file_outranks_them_with_ceph_s_default_too),
        TEST(the_uri_and_the_program_outrank_them),
        TEST(unknown_ones_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
