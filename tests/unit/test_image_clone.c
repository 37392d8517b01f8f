/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cloning a snapshot. The parent of all is the image "i" with its protected snapshot "s". */
#include "image_helpers.h"

#include <errno.h>

#define PARENT_URI "rbd:p/i@s"
#define CLONE_URI "rbd:p/clone"

static const struct vdisk_create_options *with(uint64_t object_size, uint64_t features, uint64_t unit, uint64_t count)
{
    static struct vdisk_create_options options;

    vdisk_create_options_init(&options, sizeof options);
    options.object_size = object_size;
    options.features = features;
    options.stripe_unit = unit;
    options.stripe_count = count;
    return &options;
}

static void must_clone(const char *parent, const char *clone, const struct vdisk_create_options *create)
{
    struct vdisk_error err;

    if (clone_image(parent, clone, create, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(err.code, 0);
    check_nothing_left();
}

static void assert_fails(const char *parent, const char *clone, const struct vdisk_create_options *create, int code,
                         const char *part)
{
    struct vdisk_error err;

    assert_int_equal(clone_image(parent, clone, create, &err), code);
    assert_says(&err, code, part);
    assert_false(fake_image_exists("p", "", "clone"));
    check_nothing_left();
}

static void assert_refused(const char *parent, const char *clone, int code, const char *part)
{
    unsigned int calls = fake_calls(NULL);

    assert_fails(parent, clone, NULL, code, part);
    assert_int_equal(fake_calls(NULL), calls);
}

/* As Ceph can when it is told to. */
static void clone_unprotected(const char *parent, const char *clone)
{
    static const struct vdisk_option format = {"rbd_default_clone_format", "2"};
    struct vdisk_uri *parent_uri = parse(parent), *clone_uri = parse(clone);
    struct vdisk_open_options connect;

    vdisk_open_options_init(&connect, sizeof connect);
    connect.options = &format;
    connect.option_count = 1;
    assert_int_equal(vdisk_clone(parent_uri, clone_uri, NULL, &connect, NULL), 0);
    vdisk_uri_free(parent_uri);
    vdisk_uri_free(clone_uri);
}

/* What is made. */

static void a_clone_reads_as_the_snapshot(void **state)
{
    struct vdisk *disk;
    char data[3];

    (void)state;
    fake_image_write("p", "", "i", 0, "old", 3);
    fake_create_snapshot("p", "", "i", "t", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_image_write("p", "", "i", 0, "new", 3);
    clone_unprotected("rbd:p/i@t", CLONE_URI);
    assert_int_equal(fake_image_size("p", "", "clone"), IMAGE_SIZE);
    disk = open_disk(CLONE_URI, 0);
    assert_int_equal(vdisk_pread(disk, data, 3, 0, 0, NULL), 0);
    assert_memory_equal(data, "old", 3);
    assert_int_equal(vdisk_pwrite(disk, "own", 3, 0, 0, NULL), 0);
    close_disk(disk);
    fake_image_read("p", "", "i", "t", 0, data, 3);
    assert_memory_equal(data, "old", 3);
    assert_true(fake_signals_blocked("rbd_clone3"));
}

static void a_clone_can_be_elsewhere(void **state)
{
    (void)state;
    fake_create_pool("q");
    fake_create_namespace("q", "n");
    must_clone(PARENT_URI, "rbd:q/clone", NULL);
    assert_true(fake_image_is_clone("q", "", "clone"));
    clone_unprotected(PARENT_URI, "rbd:q/n/clone");
    assert_true(fake_image_is_clone("q", "n", "clone"));
    assert_false(fake_image_exists("p", "", "clone"));
}

static void without_options_a_clone_is_laid_out_as_its_parent(void **state)
{
    struct fake_layout layout;

    (void)state;
    must_clone(PARENT_URI, CLONE_URI, NULL);
    layout = fake_image_layout("p", "", "clone");
    assert_int_equal(layout.features, fake_image_layout("p", "", "i").features);
    assert_int_equal(layout.stripe_unit, 4 * MIB);
    assert_int_equal(layout.stripe_count, 1);
    assert_int_equal(fake_image_object_size("p", "", "clone"), 4 * MIB);
}

static void a_clone_can_be_laid_out_otherwise(void **state)
{
    const uint64_t features = VDISK_FEATURE_LAYERING | VDISK_FEATURE_EXCLUSIVE_LOCK;
    struct fake_layout layout;

    (void)state;
    must_clone(PARENT_URI, CLONE_URI, with(8 * MIB, features, 64 * KIB, 4));
    layout = fake_image_layout("p", "", "clone");
    assert_int_equal(layout.features, features | VDISK_FEATURE_STRIPING);
    assert_int_equal(layout.stripe_unit, 64 * KIB);
    assert_int_equal(layout.stripe_count, 4);
    assert_int_equal(fake_image_object_size("p", "", "clone"), 8 * MIB);
}

/* The parent's stripe unit does not go with it: it may be larger than the objects, and would be striping if smaller. */
static void an_object_size_alone_means_no_striping(void **state)
{
    static const uint64_t sizes[] = {64 * KIB, 32 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct fake_layout layout;

        must_clone(PARENT_URI, CLONE_URI, with(sizes[i], 0, 0, 0));
        layout = fake_image_layout("p", "", "clone");
        assert_int_equal(layout.stripe_unit, sizes[i]);
        assert_int_equal(layout.stripe_count, 1);
        assert_false(layout.features & VDISK_FEATURE_STRIPING);
        fake_remove_image("p", "", "clone");
    }
}

static void the_data_of_a_clone_can_be_in_another_pool(void **state)
{
    struct vdisk_create_options create = *with(0, 0, 0, 0);

    (void)state;
    fake_create_pool("data");
    create.data_pool = "data";
    must_clone(PARENT_URI, CLONE_URI, &create);
    assert_string_equal(fake_image_layout("p", "", "clone").data_pool, "data");
    create.data_pool = "none";
    fake_remove_image("p", "", "clone");
    assert_fails(PARENT_URI, CLONE_URI, &create, -ENOENT, "There is no pool \"none\" for the data.");
}

/* What is refused. */

static void the_parent_must_be_a_snapshot_and_the_clone_must_not(void **state)
{
    struct vdisk_uri *uri = parse(PARENT_URI);
    struct vdisk_error err;

    (void)state;
    assert_refused("rbd:p/i", CLONE_URI, -EINVAL, "parent must name a snapshot, as rbd:POOL/IMAGE@SNAPSHOT");
    assert_refused(PARENT_URI, "rbd:p/clone@t", -EINVAL, "image to create must not name a snapshot");
    assert_int_equal(vdisk_clone(NULL, uri, NULL, NULL, &err), -EINVAL);
    assert_int_equal(vdisk_clone(uri, NULL, NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
    vdisk_uri_free(uri);
    uri = parse(CLONE_URI);
    assert_int_equal(vdisk_clone(NULL, uri, NULL, NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "URI is NULL");
    vdisk_uri_free(uri);
}

static void the_policy_holds_for_both_uris(void **state)
{
    (void)state;
    assert_refused("rbd:p/i@s:log_file=/tmp/x", CLONE_URI, -EPERM, "\"log_file\"");
    assert_refused(PARENT_URI, "rbd:p/clone:log_file=/tmp/x", -EPERM, "\"log_file\"");
}

static void the_uris_must_carry_the_same_options(void **state)
{
    static const struct {
        const char *parent;
        const char *clone;
        const char *named;
    } cases[] = {
        {"rbd:p/i@s:id=a", "rbd:p/clone:id=b", "\"id\""},
        {"rbd:p/i@s:id=a", "rbd:p/clone", "\"id\""},
        {"rbd:p/i@s", "rbd:p/clone:rbd_cache=true", "\"rbd_cache\""},
        {"rbd:p/i@s:id=a", "rbd:p/clone:id=a:rbd_cache=true", "\"rbd_cache\""},
        {"rbd:p/i@s:id=a:rbd_cache=true", "rbd:p/clone:id=a", "\"rbd_cache\""},
        {"rbd:p/i@s:rbd_cache=true:rbd_cache=false", "rbd:p/clone:rbd_cache=false:rbd_cache=true", "\"rbd_cache\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(cases[i].parent, cases[i].clone, -EINVAL, cases[i].named);
        assert_refused(cases[i].parent, cases[i].clone, -EINVAL, "both must carry the same options");
    }
    must_clone("rbd:p/i@s:id=admin:rbd_cache=false", "rbd:p/clone:id=admin:rbd_cache=false", NULL);
}

static void values_of_options_are_not_told(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(clone_image("rbd:p/i@s:key=SECRET", "rbd:p/clone:key=OTHER", NULL, &err), -EINVAL);
    assert_says(&err, -EINVAL, "\"key\"");
    assert_null(strstr(err.message, "SECRET"));
    assert_null(strstr(err.message, "OTHER"));
}

static void options_for_the_clone_are_checked(void **state)
{
    (void)state;
    assert_fails(PARENT_URI, CLONE_URI, with(5000, 0, 0, 0), -EINVAL, "power of two");
    assert_fails(PARENT_URI, CLONE_URI, with(0, VDISK_FEATURE_OBJECT_MAP, 0, 0), -EINVAL, "exclusive lock");
}

/* What fails. */

static void a_snapshot_that_is_not_protected_is_explained(void **state)
{
    (void)state;
    fake_create_snapshot("p", "", "i", "open", RBD_SNAP_NAMESPACE_TYPE_USER);
    assert_fails("rbd:p/i@open", CLONE_URI, NULL, -EINVAL,
                 "Snapshot \"open\" of image \"i\" is not protected, as clones need it to be: protect it "
                 "(vdisk_snapshot_protect), or set the Ceph option rbd_default_clone_format to 2.");
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    assert_fails("rbd:p/none@s", CLONE_URI, NULL, -ENOENT, "There is no image \"none\" in pool \"p\".");
    assert_fails("rbd:p/i@none", CLONE_URI, NULL, -ENOENT, "Image \"i\" in pool \"p\" has no snapshot \"none\".");
    assert_fails("rbd:none/i@s", CLONE_URI, NULL, -ENOENT, "no pool \"none\"");
    assert_fails("rbd:p/none/i@s", CLONE_URI, NULL, -ENOENT, "no namespace \"none\"");
    assert_fails(PARENT_URI, "rbd:none/clone", NULL, -ENOENT, "no pool \"none\"");
}

static void an_existing_image_is_left_alone(void **state)
{
    struct vdisk_error err;

    (void)state;
    fake_create_image("p", "", "other", MIB);
    assert_int_equal(clone_image(PARENT_URI, "rbd:p/other", NULL, &err), -EEXIST);
    assert_says(&err, -EEXIST, "There is an image \"other\" in pool \"p\" already.");
    assert_false(fake_image_is_clone("p", "", "other"));
}

static void clones_of_the_first_format_stay_in_their_namespace(void **state)
{
    (void)state;
    fake_create_namespace("p", "n");
    assert_fails(PARENT_URI, "rbd:p/n/clone", NULL, -EXDEV, "set the Ceph option rbd_default_clone_format to 2");
}

static void layering_is_needed(void **state)
{
    (void)state;
    assert_fails(PARENT_URI, CLONE_URI, with(0, VDISK_FEATURES_NONE, 0, 0), -ENOSYS, "lacks the feature layering");
}

static void any_other_error_is_told_as_it_is(void **state)
{
    (void)state;
    fake_fail_call("rbd_clone3", 1, EIO);
    assert_fails(PARENT_URI, CLONE_URI, NULL, -EIO, "Cloning image \"i\" failed: Input/output error.");
    fake_fail_call("rbd_clone3", 1, EINVAL);
    assert_fails(PARENT_URI, CLONE_URI, NULL, -EINVAL, "Cloning image \"i\" failed: Invalid argument.");
    fake_fail_call("rbd_clone3", 1, ENOENT);
    assert_fails(PARENT_URI, CLONE_URI, NULL, -ENOENT, "Cloning image \"i\" failed: No such file or directory.");
    /* Nor does it hide the first error when that cannot be explained. */
    fake_fail_call("rbd_clone3", 1, EINVAL);
    fake_fail_call("rbd_open_read_only", 1, EIO);
    assert_fails(PARENT_URI, CLONE_URI, NULL, -EINVAL, "Cloning image \"i\" failed: Invalid argument.");
    fake_fail_call("rbd_clone3", 1, EINVAL);
    fake_fail_call("rbd_snap_is_protected", 1, EIO);
    assert_fails(PARENT_URI, CLONE_URI, NULL, -EINVAL, "Cloning image \"i\" failed: Invalid argument.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_parent, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_clone_reads_as_the_snapshot),
        TEST(a_clone_can_be_elsewhere),
        TEST(without_options_a_clone_is_laid_out_as_its_parent),
        TEST(a_clone_can_be_laid_out_otherwise),
        TEST(an_object_size_alone_means_no_striping),
        TEST(the_data_of_a_clone_can_be_in_another_pool),
        TEST(the_parent_must_be_a_snapshot_and_the_clone_must_not),
        TEST(the_policy_holds_for_both_uris),
        TEST(the_uris_must_carry_the_same_options),
        TEST(values_of_options_are_not_told),
        TEST(options_for_the_clone_are_checked),
        TEST(a_snapshot_that_is_not_protected_is_explained),
        TEST(what_is_missing_is_named),
        TEST(an_existing_image_is_left_alone),
        TEST(clones_of_the_first_format_stay_in_their_namespace),
        TEST(layering_is_needed),
        TEST(any_other_error_is_told_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
