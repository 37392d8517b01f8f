/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This file tests opening as users with wrong keys, without keys, and with few capabilities. */
#include "openings.h"
#include "support.h"

#include <errno.h>
#include <stdlib.h>

/* Users and keys. */

static void a_user_without_a_key_in_the_keyring_is_named(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = default_options(0);

    (void)state;
    options.id = "nobody-we-know";
    must_not_open(uri, &options, -EACCES, FRAGMENTS("nobody-we-know", "key"));
    options.id = NULL;
    must_not_open(text("%s:id=nobody-else", uri), &options, -EACCES, FRAGMENTS("nobody-else", "key"));
}

static void a_user_the_cluster_does_not_know_is_named(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    char *key = key_of("client.admin");
    struct vdisk_open_options options = with_option("key", key);

    (void)state;
    options.id = "nobody-we-know";
    must_not_open(uri, &options, -EACCES, FRAGMENTS("nobody-we-know"));
    free(key);
}

static void a_wrong_key_of_the_program_is_not_told(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    char *key = key_of(new_user("profile rbd", "profile rbd"));
    struct vdisk_open_options options = with_option("key", key);

    (void)state;
    must_not_open(uri, &options, -EACCES, FRAGMENTS("admin", "key"));
    free(key);
}

static void a_wrong_key_of_the_uri_is_not_told(void **state)
{
    const char *image = plain_image();
    char *key = key_of(new_user("profile rbd", "profile rbd"));
    struct vdisk_open_options options = default_options(0);

    (void)state;
    must_not_open(text("rbd:%s:key=%s", image, key), &options, -EACCES, FRAGMENTS("admin", "key"));
    free(key);
}

static void a_key_that_is_none_is_not_told(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("key", "bm90IGEga2V5");

    (void)state;
    must_not_open(uri, &options, -EINVAL, FRAGMENTS("key"));
    options = with_option("key", "by no means base64");
    must_not_open(uri, &options, -EINVAL, FRAGMENTS("key"));
}

static void a_missing_keyring_names_the_user(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("keyring", temp_path("missing.keyring"));

    (void)state;
    must_not_open(uri, &options, -ENOENT, FRAGMENTS("keyring", "admin"));
}

static void a_keyring_of_somebody_else_names_the_user(void **state)
{
    const char *uri = text("rbd:%s", plain_image());
    struct vdisk_open_options options = with_option("keyring", keyring_of(new_user("profile rbd", "profile rbd")));

    (void)state;
    must_not_open(uri, &options, -EACCES, FRAGMENTS("key", "admin"));
}

static void a_user_with_its_own_keyring_or_key_can_open(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd pool=rbd");
    struct vdisk_open_options options = with_option("keyring", keyring_of(user));
    char *key = key_of(user);

    (void)state;
    options.id = bare(user);
    must_open_uri(text("rbd:%s", image), &options);
    options = with_option("key", key);
    options.id = bare(user);
    must_open_uri(text("rbd:%s", image), &options);
    options = default_options(0);
    must_open_uri(text("rbd:%s:id=%s:key=%s", image, bare(user), key), &options);
    must_open_uri(text("rbd:%s:id=%s:keyring=%s", image, bare(user), keyring_of(user)), &options);
    free(key);
}

/* Capabilities. */

static struct vdisk_open_options options_of(const char *user, uint32_t flags)
{
    struct vdisk_open_options options = with_option("keyring", keyring_of(user));

    options.id = bare(user);
    options.flags = flags;
    return options;
}

static void a_user_who_may_only_read_can_open_read_only(void **state)
{
    const char *image = new_image(), *user = new_user("profile rbd", "profile rbd-read-only");
    struct vdisk_open_options options = options_of(user, VDISK_OPEN_READ_ONLY);
    unsigned char *data = pattern(SIZE, 1);
    struct vdisk *disk;

    (void)state;
    import_image(image, data, SIZE, NULL);
    RBD("snap", "create", text("%s@snap", image));
    disk = open_disk_with(image, &options);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    disk = open_disk_with(text("%s@snap", image), &options);
    assert_disk_holds(disk, data, SIZE);
    close_disk(disk);
    free(data);
}

static void a_user_who_may_only_read_cannot_open_for_writing(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd-read-only");
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
}

static void a_user_of_another_pool_cannot_open(void **state)
{
    const char *image = plain_image(), *user = new_user("profile rbd", "profile rbd pool=another");
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
    options.flags = VDISK_OPEN_READ_ONLY;
    must_not_open(text("rbd:%s", image), &options, -EPERM, FRAGMENTS(base_name(image), "rbd"));
}

static void a_user_of_one_namespace_can_open_there_only(void **state)
{
    const char *namespace = new_namespace();
    const char *inside = new_image_in(namespace), *outside = plain_image();
    const char *user = new_user("profile rbd", text("profile rbd pool=rbd namespace=%s", base_name(namespace)));
    struct vdisk_open_options options = options_of(user, 0);

    (void)state;
    create_image(inside, SIZE, 0);
    must_open_uri(text("rbd:%s", inside), &options);
    must_not_open(text("rbd:%s", outside), &options, -EPERM, FRAGMENTS(base_name(outside)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_user_without_a_key_in_the_keyring_is_named),
        TEST(a_user_the_cluster_does_not_know_is_named),
        TEST(a_wrong_key_of_the_program_is_not_told),
        TEST(a_wrong_key_of_the_uri_is_not_told),
        TEST(a_key_that_is_none_is_not_told),
        TEST(a_missing_keyring_names_the_user),
        TEST(a_keyring_of_somebody_else_names_the_user),
        TEST(a_user_with_its_own_keyring_or_key_can_open),
        TEST(a_user_who_may_only_read_can_open_read_only),
        TEST(a_user_who_may_only_read_cannot_open_for_writing),
        TEST(a_user_of_another_pool_cannot_open),
        TEST(a_user_of_one_namespace_can_open_there_only),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
