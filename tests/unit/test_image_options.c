/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a new image is laid out: features, striping, and where its data is. */
#include "image_helpers.h"

#include <errno.h>

#define NEW_URI "rbd:p/new"

#define DEFAULT_FEATURES UINT64_C(61)

static const struct vdisk_create_options *with(uint64_t object_size, uint64_t features, uint64_t unit, uint64_t count,
                                               const char *data_pool)
{
    static struct vdisk_create_options options;

    vdisk_create_options_init(&options, sizeof options);
    options.object_size = object_size;
    options.features = features;
    options.stripe_unit = unit;
    options.stripe_count = count;
    options.data_pool = data_pool;
    return &options;
}

static struct fake_layout made_with(const struct vdisk_create_options *options)
{
    struct vdisk_error err;
    struct fake_layout layout;

    if (create_image(NEW_URI, MIB, options, &err) < 0)
        fail_msg("%s", err.message);
    layout = fake_image_layout("p", "", "new");
    fake_remove_image("p", "", "new");
    return layout;
}

static void assert_refused(const struct vdisk_create_options *options, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(create_image(NEW_URI, MIB, options, &err), -EINVAL);
    assert_says(&err, -EINVAL, part);
    assert_false(fake_image_exists("p", "", "new"));
    assert_int_equal(fake_calls(NULL), 0);
}

/* Features. */

static void without_features_they_are_as_configured(void **state)
{
    (void)state;
    assert_int_equal(made_with(NULL).features, DEFAULT_FEATURES);
    assert_int_equal(made_with(with(0, 0, 0, 0, NULL)).features, DEFAULT_FEATURES);
}

static void features_are_those_that_are_given(void **state)
{
    const uint64_t layering = VDISK_FEATURE_LAYERING, lock = VDISK_FEATURE_EXCLUSIVE_LOCK;
    const uint64_t map = lock | VDISK_FEATURE_OBJECT_MAP | VDISK_FEATURE_FAST_DIFF;

    (void)state;
    assert_int_equal(made_with(with(0, layering, 0, 0, NULL)).features, layering);
    assert_int_equal(made_with(with(0, layering | lock, 0, 0, NULL)).features, layering | lock);
    assert_int_equal(made_with(with(0, map, 0, 0, NULL)).features, map);
    assert_int_equal(made_with(with(0, lock | VDISK_FEATURE_JOURNALING, 0, 0, NULL)).features,
                     lock | VDISK_FEATURE_JOURNALING);
}

static void an_image_can_have_no_features(void **state)
{
    (void)state;
    assert_int_equal(made_with(with(0, VDISK_FEATURES_NONE, 0, 0, NULL)).features, 0);
}

static void features_are_librbd_s(void **state)
{
    (void)state;
    assert_int_equal(VDISK_FEATURE_LAYERING, RBD_FEATURE_LAYERING);
    assert_int_equal(VDISK_FEATURE_STRIPING, RBD_FEATURE_STRIPINGV2);
    assert_int_equal(VDISK_FEATURE_EXCLUSIVE_LOCK, RBD_FEATURE_EXCLUSIVE_LOCK);
    assert_int_equal(VDISK_FEATURE_OBJECT_MAP, RBD_FEATURE_OBJECT_MAP);
    assert_int_equal(VDISK_FEATURE_FAST_DIFF, RBD_FEATURE_FAST_DIFF);
    assert_int_equal(VDISK_FEATURE_DEEP_FLATTEN, RBD_FEATURE_DEEP_FLATTEN);
    assert_int_equal(VDISK_FEATURE_JOURNALING, RBD_FEATURE_JOURNALING);
    assert_int_equal(VDISK_FEATURE_DATA_POOL, RBD_FEATURE_DATA_POOL);
    assert_int_equal(VDISK_FEATURES_NONE & RBD_FEATURES_ALL, 0);
}

static void features_that_need_others_are_refused_without(void **state)
{
    (void)state;
    assert_refused(with(0, VDISK_FEATURE_OBJECT_MAP, 0, 0, NULL), "need the feature exclusive lock");
    assert_refused(with(0, VDISK_FEATURE_JOURNALING, 0, 0, NULL), "need the feature exclusive lock");
    assert_refused(with(0, VDISK_FEATURE_FAST_DIFF, 0, 0, NULL), "needs the feature object map");
    assert_refused(with(0, VDISK_FEATURE_FAST_DIFF | VDISK_FEATURE_EXCLUSIVE_LOCK, 0, 0, NULL),
                   "needs the feature object map");
    assert_refused(with(0, VDISK_FEATURE_STRIPING, 0, 0, NULL), "needs a stripe unit");
    assert_refused(with(0, VDISK_FEATURE_DATA_POOL, 0, 0, NULL), "needs the name of one");
    assert_refused(with(0, VDISK_FEATURES_NONE | VDISK_FEATURE_LAYERING, 0, 0, NULL), "goes with no other");
}

/* librbd would take them, and leave them out in silence. */
static void features_that_nobody_can_choose_are_refused(void **state)
{
    (void)state;
    assert_refused(with(0, RBD_FEATURE_OPERATIONS, 0, 0, NULL), "features 0x100 cannot be chosen");
    assert_refused(with(0, RBD_FEATURE_MIGRATING | 1, 0, 0, NULL), "features 0x200 cannot be chosen");
    assert_refused(with(0, UINT64_C(1) << 62, 0, 0, NULL), "features 0x4000000000000000 cannot be chosen");
}

/* Striping. */

static void stripes_are_those_that_are_given(void **state)
{
    struct fake_layout layout;

    (void)state;
    layout = made_with(with(0, 0, 65536, 16, NULL));
    assert_int_equal(layout.stripe_unit, 65536);
    assert_int_equal(layout.stripe_count, 16);
    assert_int_equal(layout.features, DEFAULT_FEATURES | VDISK_FEATURE_STRIPING);
    layout = made_with(with(8192, VDISK_FEATURE_STRIPING, 512, VDISK_STRIPE_COUNT_MAX, NULL));
    assert_int_equal(layout.stripe_unit, 512);
    assert_int_equal(layout.stripe_count, VDISK_STRIPE_COUNT_MAX);
    assert_int_equal(layout.features, VDISK_FEATURE_STRIPING);
    layout = made_with(with(8192, 0, 8192, 1, NULL));
    assert_int_equal(layout.features, DEFAULT_FEATURES);
}

static void stripes_that_cannot_be_are_refused(void **state)
{
    static const uint64_t units[] = {1, 256, 513, 768, 65537, 131072, UINT64_MAX, UINT64_C(1) << 63};

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        assert_refused(with(65536, 0, units[i], 2, NULL), "power of two from 512 to the object size, at most 65536 ");
    assert_refused(with(0, 0, 64 * MIB, 2, NULL), "at most 33554432 ");
    assert_refused(with(0, 0, 65536, 0, NULL), "both a stripe unit and a stripe count");
    assert_refused(with(0, 0, 0, 2, NULL), "both a stripe unit and a stripe count");
    assert_refused(with(0, 0, 65536, VDISK_STRIPE_COUNT_MAX + UINT64_C(1), NULL), "at most 4294967295");
}

static void a_stripe_unit_beyond_the_configured_object_size_is_explained(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(create_image(NEW_URI, MIB, with(0, 0, 8 * MIB, 2, NULL), &err), -EINVAL);
    assert_says(&err, -EINVAL, "The stripe unit is larger than the objects");
}

/* The data pool. */

static void data_can_be_in_another_pool(void **state)
{
    struct fake_layout layout;

    (void)state;
    fake_create_pool("data");
    layout = made_with(with(0, 0, 0, 0, "data"));
    assert_string_equal(layout.data_pool, "data");
    assert_int_equal(layout.features, DEFAULT_FEATURES | VDISK_FEATURE_DATA_POOL);
    assert_int_equal(made_with(with(0, VDISK_FEATURE_DATA_POOL, 0, 0, "data")).features, VDISK_FEATURE_DATA_POOL);
    assert_null(made_with(NULL).data_pool);
}

static void a_missing_data_pool_is_named(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(create_image(NEW_URI, MIB, with(0, 0, 0, 0, "none"), &err), -ENOENT);
    assert_says(&err, -ENOENT, "There is no pool \"none\" for the data.");
}

static void an_empty_data_pool_is_refused(void **state)
{
    (void)state;
    assert_refused(with(0, 0, 0, 0, ""), "data_pool is empty");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(without_features_they_are_as_configured),
        TEST(features_are_those_that_are_given),
        TEST(an_image_can_have_no_features),
        TEST(features_are_librbd_s),
        TEST(features_that_need_others_are_refused_without),
        TEST(features_that_nobody_can_choose_are_refused),
        TEST(stripes_are_those_that_are_given),
        TEST(stripes_that_cannot_be_are_refused),
        TEST(a_stripe_unit_beyond_the_configured_object_size_is_explained),
        TEST(data_can_be_in_another_pool),
        TEST(a_missing_data_pool_is_named),
        TEST(an_empty_data_pool_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
