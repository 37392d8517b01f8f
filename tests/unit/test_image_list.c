/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing the images of a pool. */
#include "image_helpers.h"

#include <errno.h>
#include <stdio.h>

#include "wrap.h"

/* So many images are made by somebody else after a list that did not fit. */
static int late;

int __real_rbd_list2(rados_ioctx_t io, rbd_image_spec_t *images, size_t *max);
int __wrap_rbd_list2(rados_ioctx_t io, rbd_image_spec_t *images, size_t *max);

static void make_images(int count)
{
    static int made;

    for (int i = 0; i < count; i++) {
        char name[32];

        snprintf(name, sizeof name, "image-%04d", made++);
        fake_create_image("p", "", name, MIB);
    }
}

int __wrap_rbd_list2(rados_ioctx_t io, rbd_image_spec_t *images, size_t *max)
{
    int r = __real_rbd_list2(io, images, max);

    if (r == -ERANGE) {
        make_images(late);
        late = 0;
    }
    return r;
}

static int set_up(void **state)
{
    late = 0;
    return set_up_cluster(state);
}

static void must_list(struct vdisk_image **images, size_t *count, const char *name_space)
{
    struct vdisk_error err;

    if (vdisk_list(images, count, "p", name_space, NULL, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(err.code, 0);
    check_nothing_left();
}

static void images_are_listed_by_name_with_their_ids(void **state)
{
    struct vdisk_image *images;
    struct vdisk_info info;
    struct vdisk *disk;
    size_t count;

    (void)state;
    fake_create_image("p", "", "zebra", MIB);
    fake_create_image("p", "", "Zebra", MIB);
    fake_create_image("p", "", "\xff", MIB);
    must_list(&images, &count, NULL);
    assert_int_equal(count, 4);
    assert_string_equal(images[0].name, "Zebra");
    assert_string_equal(images[1].name, "i");
    assert_string_equal(images[2].name, "zebra");
    assert_string_equal(images[3].name, "\xff");
    disk = open_disk(IMAGE_URI, VDISK_OPEN_READ_ONLY);
    vdisk_info_init(&info, sizeof info);
    assert_int_equal(vdisk_get_info(&info, disk, NULL), 0);
    assert_string_equal(images[1].id, info.image_id);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(images[1].reserved[i], 0);
    close_disk(disk);
    vdisk_image_list_free(images);
    assert_true(fake_signals_blocked("rbd_list2"));
}

static void an_empty_list_is_null(void **state)
{
    struct vdisk_image *images = (struct vdisk_image *)state;
    size_t count = 7;

    fake_remove_image("p", "", "i");
    must_list(&images, &count, "");
    assert_null(images);
    assert_int_equal(count, 0);
    vdisk_image_list_free(images);
}

static void each_namespace_has_its_own(void **state)
{
    struct vdisk_image *images;
    size_t count;

    (void)state;
    fake_create_namespace("p", "n");
    fake_create_image("p", "n", "inside", MIB);
    must_list(&images, &count, "n");
    assert_int_equal(count, 1);
    assert_string_equal(images[0].name, "inside");
    vdisk_image_list_free(images);
    must_list(&images, &count, NULL);
    assert_int_equal(count, 1);
    assert_string_equal(images[0].name, "i");
    vdisk_image_list_free(images);
}

static void many_images_are_all_listed(void **state)
{
    struct vdisk_image *images;
    size_t count;

    (void)state;
    make_images(1000);
    /* In between there come to be more than had been asked room for. */
    late = 500;
    must_list(&images, &count, NULL);
    assert_int_equal(count, 1501);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(images[i - 1].name, images[i].name) < 0);
    vdisk_image_list_free(images);
}

static void assert_fails(const char *pool, const char *name_space, int code, const char *part)
{
    static struct vdisk_image none;
    struct vdisk_image *images = &none;
    struct vdisk_error err;
    size_t count = 7;

    assert_int_equal(vdisk_list(&images, &count, pool, name_space, NULL, &err), code);
    assert_says(&err, code, part);
    assert_null(images);
    assert_int_equal(count, 0);
    check_nothing_left();
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    assert_fails("none", NULL, -ENOENT, "no pool \"none\"");
    assert_fails("p", "none", -ENOENT, "no namespace \"none\" in pool \"p\"");
}

static void a_pool_is_needed(void **state)
{
    (void)state;
    assert_fails(NULL, NULL, -EINVAL, "name of the pool is empty");
    assert_fails("", NULL, -EINVAL, "name of the pool is empty");
    assert_int_equal(fake_calls(NULL), 0);
}

static void somewhere_to_put_it_is_needed(void **state)
{
    struct vdisk_image *images = (struct vdisk_image *)state;
    struct vdisk_error err;
    size_t count = 7;

    assert_int_equal(vdisk_list(NULL, &count, "p", NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "a pointer is NULL");
    assert_int_equal(count, 0);
    assert_int_equal(vdisk_list(&images, NULL, "p", NULL, NULL, &err), -EINVAL);
    assert_null(images);
    assert_int_equal(fake_calls(NULL), 0);
}

static void the_program_s_options_count(void **state)
{
    static const struct vdisk_option option = {"client_mount_timeout", "17"};
    struct vdisk_open_options connect;
    struct vdisk_image *images;
    struct vdisk_error err;
    size_t count;

    (void)state;
    vdisk_open_options_init(&connect, sizeof connect);
    connect.options = &option;
    connect.option_count = 1;
    assert_int_equal(vdisk_list(&images, &count, "p", NULL, &connect, &err), 0);
    assert_string_equal(fake_conf_get("client_mount_timeout"), "17");
    vdisk_image_list_free(images);
    connect.flags = VDISK_OPEN_READ_ONLY;
    assert_int_equal(vdisk_list(&images, &count, "p", NULL, &connect, &err), -EINVAL);
    assert_says(&err, -EINVAL, "flags 0x1 ");
}

static void a_failure_is_told_with_its_error(void **state)
{
    (void)state;
    fake_create_namespace("p", "n");
    fake_fail_call("rbd_list2", 1, EIO);
    assert_fails("p", NULL, -EIO, "Listing the images of pool \"p\" failed: Input/output error.");
    fake_fail_call("rbd_list2", 1, EIO);
    assert_fails("p", "n", -EIO, "Listing the images of namespace \"n\" of pool \"p\" failed: ");
}

static void every_failing_allocation_is_told(void **state)
{
    bool failed = true;

    (void)state;
    make_images(100);
    for (unsigned int n = 1; failed; n++) {
        struct vdisk_image *images;
        size_t count;
        int r;

        wrap_fail_nth(n);
        r = vdisk_list(&images, &count, "p", NULL, NULL, NULL);
        failed = wrap_disarm();
        assert_true(failed ? r == -ENOMEM || r == -EAGAIN : r == 0);
        assert_int_equal(images != NULL, r == 0);
        assert_int_equal(count > 0, r == 0);
        vdisk_image_list_free(images);
        check_nothing_left();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(images_are_listed_by_name_with_their_ids),
        TEST(an_empty_list_is_null),
        TEST(each_namespace_has_its_own),
        TEST(many_images_are_all_listed),
        TEST(what_is_missing_is_named),
        TEST(a_pool_is_needed),
        TEST(somewhere_to_put_it_is_needed),
        TEST(the_program_s_options_count),
        TEST(a_failure_is_told_with_its_error),
        TEST(every_failing_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
