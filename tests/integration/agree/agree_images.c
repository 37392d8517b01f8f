/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OBJECT_SIZE (UINT64_C(4) << 20)

static void layout_is_told(void **state)
{
    rbd_image_info_t info;
    uint64_t features, unit, count;
    char id[64];

    (void)state;
    assert_int_equal(rbd_stat(image, &info, sizeof info), 0);
    assert_int_equal(info.size, SIZE);
    assert_int_equal(info.obj_size, OBJECT_SIZE);
    assert_int_equal(info.num_objs, 1);
    assert_int_equal(info.order, 22);
    assert_int_equal(info.parent_pool, -1);
    assert_int_equal(rbd_get_features(image, &features), 0);
    assert_int_equal(features, 61);
    assert_int_equal(rbd_get_stripe_unit(image, &unit), 0);
    assert_int_equal(unit, OBJECT_SIZE);
    assert_int_equal(rbd_get_stripe_count(image, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(rbd_get_id(image, id, sizeof id), 0);
    assert_int_equal(rbd_get_id(image, id, strlen(id) + 1), 0);
    assert_int_equal(rbd_get_id(image, id, strlen(id)), -ERANGE);
    assert_int_equal(strncmp(info.block_name_prefix, "rbd_data.", 9), 0);
}

static void creating_refuses(void **state)
{
    static const struct {
        int option;
        uint64_t value;
        int error;
    } cases[] = {
        {RBD_IMAGE_OPTION_ORDER, 11, -EDOM},
        {RBD_IMAGE_OPTION_ORDER, 26, -EDOM},
        {RBD_IMAGE_OPTION_FORMAT, 1, -EINVAL},
        {RBD_IMAGE_OPTION_FEATURES, UINT64_C(1) << 60, -ENOSYS},
        {RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_OBJECT_MAP, -EINVAL},
        {RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_JOURNALING, -EINVAL},
        {RBD_IMAGE_OPTION_STRIPE_UNIT, 4096, -EINVAL},
        {RBD_IMAGE_OPTION_STRIPE_COUNT, 2, -EINVAL},
    };
    char name[80];

    (void)state;
    snprintf(name, sizeof name, "%s-refused", image_name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(create(name, SIZE, cases[i].option, cases[i].value), cases[i].error);
    assert_int_equal(create("", SIZE, RBD_IMAGE_OPTION_ORDER, 22), -EINVAL);
    assert_int_equal(create(image_name, SIZE, RBD_IMAGE_OPTION_ORDER, 22), -EEXIST);
    assert_int_equal(create(name, UINT64_C(1) << 60, RBD_IMAGE_OPTION_ORDER, 22), -EINVAL);
}

static void creating_takes(void **state)
{
    const uint64_t plain = 61, mapped = RBD_FEATURE_EXCLUSIVE_LOCK | RBD_FEATURE_OBJECT_MAP;
    const struct {
        int option;
        uint64_t value;
        int order;
        uint64_t features;
    } cases[] = {
        {RBD_IMAGE_OPTION_ORDER, 0, 22, plain},
        {RBD_IMAGE_OPTION_ORDER, 12, 12, plain},
        {RBD_IMAGE_OPTION_ORDER, 25, 25, plain},
        {RBD_IMAGE_OPTION_STRIPE_UNIT, 0, 22, plain},
        {RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_LAYERING, 22, RBD_FEATURE_LAYERING},
        {RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_FAST_DIFF | RBD_FEATURE_STRIPINGV2, 22, 0},
        {RBD_IMAGE_OPTION_FEATURES, mapped, 22, mapped | RBD_FEATURE_FAST_DIFF},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rbd_image_info_t info;
        rbd_image_t opened;
        uint64_t features;
        char name[80];

        snprintf(name, sizeof name, "%s-%zu", image_name, i);
        assert_int_equal(create(name, i ? SIZE : 0, cases[i].option, cases[i].value), 0);
        assert_int_equal(rbd_open(pool, name, &opened, NULL), 0);
        assert_int_equal(rbd_stat(opened, &info, sizeof info), 0);
        assert_int_equal(info.order, cases[i].order);
        assert_int_equal(rbd_get_features(opened, &features), 0);
        assert_int_equal(features, cases[i].features);
        assert_int_equal(rbd_close(opened), 0);
        assert_int_equal(rbd_remove(pool, name), 0);
    }
}

static void image_options_are_typed(void **state)
{
    rbd_image_options_t options;
    char name[80];

    (void)state;
    rbd_image_options_create(&options);
    assert_int_equal(rbd_image_options_set_uint64(options, 999, 1), -EINVAL);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_DATA_POOL, 1), -EINVAL);
    assert_int_equal(rbd_image_options_set_string(options, RBD_IMAGE_OPTION_ORDER, "22"), -EINVAL);
    assert_int_equal(rbd_image_options_set_string(options, RBD_IMAGE_OPTION_DATA_POOL, "no-such-pool"), 0);
    snprintf(name, sizeof name, "%s-nowhere", image_name);
    assert_int_equal(rbd_create4(pool, name, SIZE, options), -ENOENT);
    rbd_image_options_destroy(options);
}

static void removing_refuses(void **state)
{
    (void)state;
    assert_int_equal(rbd_remove(pool, "no-such-image"), -ENOENT);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_remove(pool, image_name), -ENOTEMPTY);
    assert_int_equal(rbd_snap_remove(image, "s"), 0);
}

static void what_is_missing_is_not_found(void **state)
{
    rbd_image_t opened = &opened;
    rados_ioctx_t other = &other;

    (void)state;
    assert_int_equal(rados_ioctx_create(cluster, "no-such-pool", &other), -ENOENT);
    assert_int_equal(rados_ioctx_create(cluster, "", &other), -ENOENT);
    assert_ptr_equal(other, &other);
    assert_int_equal(rbd_open(pool, "no-such-image", &opened, NULL), -ENOENT);
    assert_int_equal(rbd_open_read_only(pool, "no-such-image", &opened, NULL), -ENOENT);
    assert_int_equal(rbd_open(pool, "", &opened, NULL), -ENOENT);
    assert_ptr_equal(opened, &opened);
}

static void namespaces_hide_images(void **state)
{
    rbd_image_t opened;
    char name[80];
    bool exists = true;

    (void)state;
    snprintf(name, sizeof name, "ns-%s", image_name);
    assert_int_equal(rbd_namespace_exists(pool, name, &exists), 0);
    assert_false(exists);
    assert_int_equal(rbd_namespace_exists(pool, "", &exists), -EINVAL);
    rados_ioctx_set_namespace(pool, name);
    assert_int_equal(create("i", SIZE, RBD_IMAGE_OPTION_ORDER, 22), -ENOENT);
    assert_int_equal(rbd_namespace_create(pool, name), 0);
    assert_int_equal(rbd_namespace_create(pool, name), -EEXIST);
    assert_int_equal(rbd_namespace_exists(pool, name, &exists), 0);
    assert_true(exists);
    assert_int_equal(rbd_open(pool, image_name, &opened, NULL), -ENOENT);
    assert_int_equal(create("i", SIZE, RBD_IMAGE_OPTION_ORDER, 22), 0);
    assert_int_equal(rbd_remove(pool, "i"), 0);
    rados_ioctx_set_namespace(pool, "");
}

int agree_on_images(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(layout_is_told),          WITH_IMAGE(creating_refuses), WITH_IMAGE(creating_takes),
        WITH_IMAGE(image_options_are_typed), WITH_IMAGE(removing_refuses), WITH_IMAGE(what_is_missing_is_not_found),
        WITH_IMAGE(namespaces_hide_images),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
