/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encrypted images are made as large as was asked for, or not at all. */
#include "image_helpers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "wrap.h"

#define PHRASE "open sesame"
#define OPTIONS(...)                                                                                                   \
    (&(const struct vdisk_create_options){.struct_size = sizeof(struct vdisk_create_options), __VA_ARGS__})
#define LUKS(version)                                                                                                  \
    .encryption = VDISK_ENCRYPTION_LUKS##version, .passphrase = PHRASE, .passphrase_size = strlen(PHRASE)

static bool exists(void)
{
    return fake_image_exists("p", "", "new");
}

static uint64_t opened_size(uint32_t encryption)
{
    struct vdisk_open_options options;
    struct vdisk_error err;
    struct vdisk *disk;
    uint64_t size;

    vdisk_open_options_init(&options, sizeof options);
    options.encryption = encryption;
    options.passphrase = PHRASE;
    options.passphrase_size = strlen(PHRASE);
    if (vdisk_open_uri(&disk, "rbd:p/new", &options, &err) < 0)
        fail_msg("%s", err.message);
    size = vdisk_get_size(disk);
    close_disk(disk);
    return size;
}

static void must_make(uint64_t size, const struct vdisk_create_options *options)
{
    struct vdisk_error err;

    if (create_image("rbd:p/new", size, options, &err) < 0)
        fail_msg("%s", err.message);
}

static void must_fail(uint64_t size, const struct vdisk_create_options *options, int code, const char *part)
{
    struct vdisk_error err;

    assert_int_equal(create_image("rbd:p/new", size, options, &err), code);
    assert_says(&err, code, part);
    assert_null(strstr(err.message, PHRASE));
    assert_false(exists());
}

static void all_that_was_asked_for_can_be_used(void **state)
{
    static const uint64_t sizes[] = {0, 1, MIB + 1, 100 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        must_make(sizes[i], OPTIONS(LUKS(2)));
        assert_int_equal(opened_size(VDISK_ENCRYPTION_LUKS2), sizes[i]);
        assert_int_equal(fake_image_size("p", "", "new"), sizes[i] + 16 * MIB);
        assert_string_equal(fake_image_passphrase("p", "", "new"), PHRASE);
        fake_remove_image("p", "", "new");
        must_make(sizes[i], OPTIONS(LUKS(1)));
        assert_int_equal(opened_size(VDISK_ENCRYPTION_LUKS1), sizes[i]);
        assert_int_equal(fake_image_size("p", "", "new"), sizes[i] + 4 * MIB);
        fake_remove_image("p", "", "new");
    }
}

static void large_objects_take_a_larger_header(void **state)
{
    (void)state;
    must_make(MIB, OPTIONS(LUKS(1), .object_size = 32 * MIB));
    assert_int_equal(opened_size(VDISK_ENCRYPTION_LUKS1), MIB);
    assert_int_equal(fake_image_size("p", "", "new"), 33 * MIB);
}

static void a_file_has_the_passphrase(void **state)
{
    char path[] = "/tmp/vdisk-phrase-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, PHRASE "\n", strlen(PHRASE) + 1), strlen(PHRASE) + 1);
    close(fd);
    must_make(MIB, OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, .passphrase_file = path));
    unlink(path);
    assert_int_equal(opened_size(VDISK_ENCRYPTION_LUKS), MIB);
    fake_remove_image("p", "", "new");
    must_fail(MIB, OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2, .passphrase_file = path), -ENOENT, path);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    must_fail(MIB, OPTIONS(LUKS()), -EINVAL, "encryption");
    must_fail(MIB, OPTIONS(.encryption = VDISK_ENCRYPTION_LUKS2), -EINVAL, "either a passphrase or");
    must_fail(MIB, OPTIONS(.passphrase_file = "/f"), -EINVAL, "\"encryption\" is not set");
    must_fail(MIB, OPTIONS(LUKS(2), .passphrase_file = "/f"), -EINVAL, "either a passphrase or");
    must_fail(MIB, OPTIONS(.reserved = 1), -EINVAL, "reserved");
    must_fail(INT64_MAX, OPTIONS(LUKS(2)), -EFBIG, "more than an image can have");
    assert_int_equal(fake_calls("rbd_create4"), 0);
}

static void a_clone_has_no_encryption_of_its_own(void **state)
{
    struct vdisk_error err;

    (void)state;
    assert_int_equal(clone_image("rbd:p/i@s", "rbd:p/new", OPTIONS(LUKS(2)), &err), -EINVAL);
    assert_says(&err, -EINVAL, "as its parent is");
}

static void a_clone_opens_as_its_parent(void **state)
{
    (void)state;
    fake_encrypt_image("p", "", "i", RBD_ENCRYPTION_FORMAT_LUKS2, PHRASE);
    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    fake_create_clone("p", "", "i", "s", 2, "new");
    assert_int_equal(opened_size(VDISK_ENCRYPTION_LUKS), IMAGE_SIZE - 16 * MIB);
}

static void an_image_with_journaling_is_removed_again(void **state)
{
    (void)state;
    must_fail(MIB, OPTIONS(LUKS(2), .features = VDISK_FEATURE_EXCLUSIVE_LOCK | VDISK_FEATURE_JOURNALING), -EOPNOTSUPP,
              "Encrypting image \"new\"");
}

static void every_call_may_fail(void **state)
{
    unsigned int n = 0;
    struct vdisk_error err;
    int r;

    (void)state;
    do {
        fake_fail_nth(++n, EIO);
        r = create_image("rbd:p/new", MIB, OPTIONS(LUKS(2)), &err);
        assert_int_equal(err.code, r);
        if (exists() != (r == 0))
            fail_msg("%s has failed, and it %s", fake_failed_name(), r == 0 ? "does not exist" : "exists");
        /* Some failures do no harm. */
        if (r == 0)
            fake_remove_image("p", "", "new");
    } while (fake_failed());
    assert_int_equal(r, 0);
    assert_true(n > 8);
}

static void every_allocation_may_fail(void **state)
{
    struct vdisk_uri *uri = parse("rbd:p/new");
    unsigned int n = 0;
    int r;

    (void)state;
    do {
        wrap_fail_nth(++n);
        r = vdisk_create(uri, MIB, OPTIONS(LUKS(2)), NULL, NULL);
        assert_true(r == 0 || r == -ENOMEM || r == -EAGAIN);
        assert_int_equal(exists(), r == 0);
    } while (wrap_disarm());
    assert_true(n > 5);
    vdisk_uri_free(uri);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down_cluster)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(all_that_was_asked_for_can_be_used),
        TEST(large_objects_take_a_larger_header),
        TEST(a_file_has_the_passphrase),
        TEST(what_makes_no_sense_is_refused),
        TEST(a_clone_has_no_encryption_of_its_own),
        TEST(a_clone_opens_as_its_parent),
        TEST(an_image_with_journaling_is_removed_again),
        TEST(every_call_may_fail),
        TEST(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
