/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the cache mode sets, and what is told of the mode in force. */
#include "disk_fixture.h"

#include <errno.h>
#include <string.h>

#include "fake.h"
#include "option_helpers.h"

static const struct vdisk_option own[] = {
    {"rbd_cache", "false"}, {"rbd_cache_policy", "writearound"}, {"rbd_cache_max_dirty", "0"}};

/* The mode in force. */
static uint32_t mode_of(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk_info info;
    struct vdisk *disk;

    if (vdisk_open_uri(&disk, uri, options, &err) < 0)
        fail_msg("%s", err.message);
    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    close_disk(disk);
    return info.cache_mode;
}

static void none_switches_the_cache_off(void **state)
{
    (void)state;
    assert_int_equal(mode_of(IMAGE_URI ":rbd_cache_policy=writeback", OPTIONS(.cache_mode = VDISK_CACHE_NONE)),
                     VDISK_CACHE_NONE);
    assert_string_equal(fake_conf_get("rbd_cache"), "false");
}

static void write_through_is_set(void **state)
{
    (void)state;
    assert_int_equal(mode_of(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_THROUGH)), VDISK_CACHE_WRITE_THROUGH);
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
    assert_string_equal(fake_conf_get("rbd_cache_policy"), "writethrough");
}

static void write_back_is_set_and_waits_for_the_first_flush(void **state)
{
    (void)state;
    assert_int_equal(mode_of(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK)), VDISK_CACHE_WRITE_BACK);
    assert_string_equal(fake_conf_get("rbd_cache"), "true");
    assert_string_equal(fake_conf_get("rbd_cache_policy"), "writeback");
    assert_string_equal(fake_conf_get("rbd_cache_max_dirty"), "25165824");
    assert_string_equal(fake_conf_get("rbd_cache_writethrough_until_flush"), "true");
}

static void a_mode_outranks_all_options_and_files(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, "key = x\nrbd_cache = false\nrbd_cache_size = 64M\n");
    assert_int_equal(mode_of(IMAGE_URI ":rbd_cache=false",
                             OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK, .options = own, .option_count = 3)),
                     VDISK_CACHE_WRITE_BACK);
    assert_string_equal(fake_conf_get("rbd_cache_max_dirty"), "50331648");
}

static void without_a_mode_files_and_options_stand(void **state)
{
    (void)state;
    fake_conf_file_text(NULL, "key = x\nrbd_cache = true\nrbd_cache_policy = writeback\n");
    assert_int_equal(mode_of(IMAGE_URI, NULL), VDISK_CACHE_WRITE_BACK);
    fake_conf_file_text(NULL, "key = x\nrbd_cache = true\nrbd_cache_policy = writethrough\n");
    assert_int_equal(mode_of(IMAGE_URI, NULL), VDISK_CACHE_WRITE_THROUGH);
    fake_conf_file_text(NULL, "key = x\nrbd_cache = true\n");
    assert_int_equal(mode_of(IMAGE_URI, NULL), VDISK_CACHE_NONE);
}

static void write_around_that_a_program_wants_is_told(void **state)
{
    (void)state;
    assert_int_equal(mode_of(IMAGE_URI, OPTIONS(.options = &own[1], .option_count = 1)), VDISK_CACHE_WRITE_AROUND);
}

static void write_back_of_nothing_is_write_through(void **state)
{
    (void)state;
    assert_int_equal(mode_of(IMAGE_URI ":rbd_cache_policy=writeback:rbd_cache_max_dirty=0", NULL),
                     VDISK_CACHE_WRITE_THROUGH);
}

static void what_the_image_overrides_is_told(void **state)
{
    (void)state;
    fake_set_image_option("p", "", "i", "rbd_cache_policy", "writethrough");
    assert_int_equal(mode_of(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK)), VDISK_CACHE_WRITE_THROUGH);
    fake_set_image_option("p", "", "i", "rbd_cache", "false");
    assert_int_equal(mode_of(IMAGE_URI, OPTIONS(.cache_mode = VDISK_CACHE_WRITE_BACK)), VDISK_CACHE_NONE);
}

static void modes_that_cannot_be_chosen_are_refused(void **state)
{
    static const uint32_t modes[] = {VDISK_CACHE_WRITE_AROUND, VDISK_CACHE_WRITE_AROUND + 1, UINT32_MAX};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, OPTIONS(.cache_mode = modes[i]), &err), -EINVAL);
        assert_says(&err, -EINVAL, "cache_mode");
    }
    assert_int_equal(fake_calls(NULL), 0);
}

static void what_ceph_refuses_fails_the_open(void **state)
{
    static const uint32_t modes[] = {VDISK_CACHE_NONE, VDISK_CACHE_WRITE_THROUGH, VDISK_CACHE_WRITE_BACK};
    struct vdisk_error err;
    struct vdisk *disk;

    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        /* The last sets the keyring. */
        for (unsigned int n = 1; n <= (modes[i] == VDISK_CACHE_NONE ? 1 : 2); n++) {
            fake_fail_call("rados_conf_set", n, EIO);
            assert_int_equal(vdisk_open_uri(&disk, IMAGE_URI, OPTIONS(.cache_mode = modes[i]), &err), -EIO);
            assert_says(&err, -EIO, "rbd_cache");
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(none_switches_the_cache_off),
        TEST(write_through_is_set),
        TEST(write_back_is_set_and_waits_for_the_first_flush),
        TEST(a_mode_outranks_all_options_and_files),
        TEST(without_a_mode_files_and_options_stand),
        TEST(write_around_that_a_program_wants_is_told),
        TEST(write_back_of_nothing_is_write_through),
        TEST(what_the_image_overrides_is_told),
        TEST(modes_that_cannot_be_chosen_are_refused),
        TEST(what_ceph_refuses_fails_the_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
