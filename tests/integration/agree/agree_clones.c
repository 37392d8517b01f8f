/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_OPTIONS 3

struct choice {
    int option;
    uint64_t value;
};

static char clone_name[80];

static int clone_with(const char *snapshot, const char *name, const struct choice *choices)
{
    rbd_image_options_t options;
    int r;

    rbd_image_options_create(&options);
    for (int i = 0; choices && i < MAX_OPTIONS && choices[i].option; i++)
        assert_int_equal(rbd_image_options_set_uint64(options, choices[i].option, choices[i].value), 0);
    r = rbd_clone3(pool, image_name, snapshot, pool, name, options);
    rbd_image_options_destroy(options);
    return r;
}

static int make_clone(const char *snapshot, uint64_t format)
{
    snprintf(clone_name, sizeof clone_name, "%s-clone", image_name);
    return clone_with(snapshot, clone_name, (struct choice[]){{RBD_IMAGE_OPTION_CLONE_FORMAT, format}, {0}});
}

static rbd_image_t open_clone(void)
{
    rbd_image_t opened;

    assert_int_equal(rbd_open(pool, clone_name, &opened, NULL), 0);
    return opened;
}

static uint64_t features_of(rbd_image_t of)
{
    uint64_t features;

    assert_int_equal(rbd_get_features(of, &features), 0);
    return features;
}

static void cloning_refuses(void **state)
{
    static const struct {
        const char *snapshot;
        struct choice choices[MAX_OPTIONS];
        int error;
    } cases[] = {
        {"none", {{0}}, -ENOENT},
        {"plain", {{RBD_IMAGE_OPTION_CLONE_FORMAT, 1}}, -EINVAL},
        {"s", {{RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_EXCLUSIVE_LOCK}}, -ENOSYS},
        {"s", {{RBD_IMAGE_OPTION_FEATURES, UINT64_C(1) << 60}}, -ENOSYS},
        {"s", {{RBD_IMAGE_OPTION_ORDER, 11}}, -EDOM},
        /* The parent's stripe unit goes with the clone, and is larger than that. */
        {"s", {{RBD_IMAGE_OPTION_ORDER, 16}}, -EINVAL},
    };
    rbd_image_options_t options;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    assert_int_equal(rbd_snap_create(image, "plain"), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(clone_with(cases[i].snapshot, "agrees-no-clone", cases[i].choices), cases[i].error);
    assert_int_equal(clone_with("s", image_name, NULL), -EEXIST);
    assert_int_equal(clone_with("s", "", NULL), -EINVAL);
    rbd_image_options_create(&options);
    assert_int_equal(rbd_clone3(pool, "no-such-image", "s", pool, "agrees-no-clone", options), -ENOENT);
    rbd_image_options_destroy(options);
}

static void cloning_takes(void **state)
{
    static const struct {
        struct choice choices[MAX_OPTIONS];
        int order;
        uint64_t features;
        uint64_t stripe_unit;
        uint64_t stripe_count;
    } cases[] = {
        {{{0}}, 22, 61, 4 << 20, 1},
        {{{RBD_IMAGE_OPTION_FEATURES, RBD_FEATURE_LAYERING}}, 22, 1, 4 << 20, 1},
        {{{RBD_IMAGE_OPTION_ORDER, 23}}, 23, 63, 4 << 20, 1},
        {{{RBD_IMAGE_OPTION_ORDER, 16}, {RBD_IMAGE_OPTION_STRIPE_UNIT, 65536}, {RBD_IMAGE_OPTION_STRIPE_COUNT, 1}},
         16,
         61,
         65536,
         1},
        {{{RBD_IMAGE_OPTION_STRIPE_UNIT, 65536}, {RBD_IMAGE_OPTION_STRIPE_COUNT, 4}}, 22, 63, 65536, 4},
    };

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    snprintf(clone_name, sizeof clone_name, "%s-clone", image_name);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t unit, count;
        rbd_image_info_t info;
        rbd_image_t clone;

        assert_int_equal(clone_with("s", clone_name, cases[i].choices), 0);
        clone = open_clone();
        assert_int_equal(rbd_stat(clone, &info, sizeof info), 0);
        assert_int_equal(info.order, cases[i].order);
        assert_int_equal(info.size, SIZE);
        assert_int_equal(features_of(clone), cases[i].features);
        assert_int_equal(rbd_get_stripe_unit(clone, &unit), 0);
        assert_int_equal(unit, cases[i].stripe_unit);
        assert_int_equal(rbd_get_stripe_count(clone, &count), 0);
        assert_int_equal(count, cases[i].stripe_count);
        assert_int_equal(rbd_close(clone), 0);
        assert_int_equal(rbd_remove(pool, clone_name), 0);
    }
}

static void check_parent(rbd_image_t clone, rbd_snap_namespace_type_t type)
{
    rbd_linked_image_spec_t parent;
    rbd_snap_spec_t snapshot;
    char id[64];

    assert_int_equal(rbd_get_id(image, id, sizeof id), 0);
    assert_int_equal(rbd_get_parent(clone, &parent, &snapshot), 0);
    assert_int_equal(parent.pool_id, rados_ioctx_get_id(pool));
    assert_string_equal(parent.pool_name, POOL);
    assert_string_equal(parent.pool_namespace, "");
    assert_string_equal(parent.image_id, id);
    assert_string_equal(parent.image_name, image_name);
    assert_false(parent.trash);
    assert_int_equal(snapshot.namespace_type, type);
    assert_int_equal(strcmp(snapshot.name, "s") == 0, type == RBD_SNAP_NAMESPACE_TYPE_USER);
    rbd_linked_image_spec_cleanup(&parent);
    rbd_snap_spec_cleanup(&snapshot);
}

static void a_clone_tells_its_parent(void **state)
{
    rbd_linked_image_spec_t parent;
    rbd_snap_spec_t snapshot;
    uint64_t overlap = 7;
    rbd_image_t clone;
    char data[4];

    (void)state;
    assert_int_equal(rbd_get_parent(image, &parent, &snapshot), -ENOENT);
    assert_int_equal(rbd_get_overlap(image, &overlap), 0);
    assert_int_equal(overlap, 0);
    assert_int_equal(do_write(image, 0, "old", 4), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    assert_int_equal(do_write(image, 0, "new", 4), 0);
    assert_int_equal(make_clone("s", 1), 0);
    clone = open_clone();
    check_parent(clone, RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_int_equal(do_read(clone, 0, data, 4), 4);
    assert_string_equal(data, "old");
    assert_int_equal(resize(clone, SIZE / 2, true), 0);
    assert_int_equal(resize(clone, 2 * SIZE, true), 0);
    assert_int_equal(rbd_get_overlap(clone, &overlap), 0);
    assert_int_equal(overlap, SIZE / 2);
    assert_int_equal(rbd_close(clone), 0);
    assert_int_equal(rbd_snap_unprotect(image, "s"), -EBUSY);
    assert_int_equal(rbd_remove(pool, clone_name), 0);
    assert_int_equal(rbd_snap_unprotect(image, "s"), 0);
}

/* Of the second format: needs no protection, and the snapshot's name can go before it. */
static void a_newer_clone_keeps_a_snapshot_in_the_trash(void **state)
{
    rbd_snap_info_t list[2];
    rbd_image_t clone;
    int max = 2;

    (void)state;
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(make_clone("s", 2), 0);
    clone = open_clone();
    check_parent(clone, RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_int_equal(features_of(clone) & RBD_FEATURE_OPERATIONS, RBD_FEATURE_OPERATIONS);
    assert_int_equal(features_of(image) & RBD_FEATURE_OPERATIONS, RBD_FEATURE_OPERATIONS);
    assert_int_equal(rbd_close(clone), 0);
    assert_int_equal(rbd_snap_remove(image, "s"), 0);
    clone = open_clone();
    check_parent(clone, RBD_SNAP_NAMESPACE_TYPE_TRASH);
    assert_int_equal(rbd_snap_list(image, list, &max), 1);
    rbd_snap_list_end(list);
    assert_int_equal(rbd_remove(pool, image_name), -EBUSY);
    assert_int_equal(rbd_close(clone), 0);
    assert_int_equal(rbd_remove(pool, clone_name), 0);
    assert_int_equal(rbd_snap_list(image, list, &max), 0);
    rbd_snap_list_end(list);
    assert_int_equal(features_of(image) & RBD_FEATURE_OPERATIONS, 0);
}

static int count_progress(uint64_t done, uint64_t total, void *count)
{
    (void)done;
    (void)total;
    (*(int *)count)++;
    return 0;
}

static void flattening_cuts_the_tie(void **state)
{
    rbd_linked_image_spec_t parent;
    rbd_snap_spec_t snapshot;
    uint64_t overlap = 7;
    rbd_image_t clone;
    int count = 0;
    char data[4];

    (void)state;
    assert_int_equal(rbd_flatten_with_progress(image, count_progress, &count), -EINVAL);
    assert_int_equal(count, 0);
    assert_int_equal(do_write(image, 0, "old", 4), 0);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    assert_int_equal(make_clone("s", 1), 0);
    assert_int_equal(rbd_open_read_only(pool, clone_name, &clone, NULL), 0);
    assert_int_equal(rbd_flatten_with_progress(clone, count_progress, &count), -EROFS);
    assert_int_equal(rbd_close(clone), 0);
    clone = open_clone();
    assert_int_equal(rbd_flatten_with_progress(clone, count_progress, &count), 0);
    assert_true(count > 0);
    assert_int_equal(rbd_get_parent(clone, &parent, &snapshot), -ENOENT);
    assert_int_equal(rbd_get_overlap(clone, &overlap), 0);
    assert_int_equal(overlap, 0);
    assert_int_equal(do_read(clone, 0, data, 4), 4);
    assert_string_equal(data, "old");
    assert_int_equal(rbd_flatten_with_progress(clone, count_progress, &count), -EINVAL);
    assert_int_equal(rbd_close(clone), 0);
    assert_int_equal(rbd_snap_unprotect(image, "s"), 0);
    assert_int_equal(rbd_remove(pool, clone_name), 0);
}

static void clones_of_the_first_format_stay_in_their_namespace(void **state)
{
    rbd_image_options_t options;
    rados_ioctx_t inside;
    char name[80];

    (void)state;
    snprintf(name, sizeof name, "clones-%s", image_name);
    assert_int_equal(rbd_namespace_create(pool, name), 0);
    assert_int_equal(rados_ioctx_create(cluster, POOL, &inside), 0);
    rados_ioctx_set_namespace(inside, name);
    assert_int_equal(rbd_snap_create(image, "s"), 0);
    assert_int_equal(rbd_snap_protect(image, "s"), 0);
    rbd_image_options_create(&options);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 1), 0);
    assert_int_equal(rbd_clone3(pool, image_name, "s", inside, "clone", options), -EXDEV);
    assert_int_equal(rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 2), 0);
    assert_int_equal(rbd_clone3(pool, image_name, "s", inside, "clone", options), 0);
    assert_int_equal(rbd_remove(inside, "clone"), 0);
    rbd_image_options_destroy(options);
    rados_ioctx_destroy(inside);
}

static void images_without_layering_have_no_clones(void **state)
{
    rbd_image_t plain;

    (void)state;
    snprintf(clone_name, sizeof clone_name, "%s-plain", image_name);
    assert_int_equal(create(clone_name, SIZE, RBD_IMAGE_OPTION_FEATURES, 0), 0);
    plain = open_clone();
    assert_int_equal(rbd_snap_create(plain, "s"), 0);
    assert_int_equal(rbd_snap_protect(plain, "s"), -ENOSYS);
    assert_int_equal(rbd_snap_remove(plain, "s"), 0);
    assert_int_equal(rbd_close(plain), 0);
    assert_int_equal(rbd_remove(pool, clone_name), 0);
}

int agree_on_clones(void)
{
    const struct CMUnitTest tests[] = {
        WITH_IMAGE(cloning_refuses),
        WITH_IMAGE(cloning_takes),
        WITH_IMAGE(a_clone_tells_its_parent),
        WITH_IMAGE(a_newer_clone_keeps_a_snapshot_in_the_trash),
        WITH_IMAGE(flattening_cuts_the_tie),
        WITH_IMAGE(images_without_layering_have_no_clones),
        WITH_IMAGE(clones_of_the_first_format_stay_in_their_namespace),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
