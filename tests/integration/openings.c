/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openings.h"

#include <stdlib.h>
#include <string.h>

/* Names of users and files may stand in a message, since people recognise them. Values of other options may not. */
static void assert_silent_about(const char *key, const char *value, const struct vdisk_error *err)
{
    if (strcmp(key, "id") == 0 || strcmp(key, "conf") == 0 || strlen(value) < 4)
        return;
    if (strstr(err->message, value))
        fail_msg("the value of %s stands in: %s", key, err->message);
}

static void assert_no_value_told(const char *uri, const struct vdisk_open_options *options,
                                 const struct vdisk_error *err)
{
    const char *key, *value;
    struct vdisk_uri *parsed;

    assert_int_equal(vdisk_uri_parse(&parsed, uri, NULL), 0);
    for (size_t i = 0; vdisk_uri_option(&key, &value, parsed, i) == 0; i++)
        assert_silent_about(key, value, err);
    for (size_t i = 0; i < options->option_count; i++)
        assert_silent_about(options->options[i].key, options->options[i].value, err);
    vdisk_uri_free(parsed);
}

void must_not_open(const char *uri, const struct vdisk_open_options *options, int code, const char *const fragments[])
{
    struct vdisk *disk = (struct vdisk *)1;
    struct vdisk_error err;

    assert_failed(vdisk_open_uri(&disk, uri, options, &err), code, &err, fragments);
    assert_null(disk);
    assert_no_value_told(uri, options, &err);
}

void must_open_uri(const char *uri, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_done(vdisk_open_uri(&disk, uri, options, &err), &err);
    assert_done(vdisk_close(disk, &err), &err);
}

const char *plain_image(void)
{
    const char *image = new_image();

    create_image(image, SIZE, 0);
    return image;
}

struct vdisk_open_options with_option(const char *key, const char *value)
{
    static struct vdisk_option option;
    struct vdisk_open_options options = default_options(0);

    option = (struct vdisk_option){key, value};
    options.options = &option;
    options.option_count = 1;
    return options;
}

char *key_of(const char *user)
{
    char *key = CEPH_OUTPUT("auth", "get-key", user);

    key[strcspn(key, "\n")] = '\0';
    return key;
}

const char *bare(const char *user)
{
    return user + strlen("client.");
}

const char *keyring_of(const char *user)
{
    char *keyring = CEPH_OUTPUT("auth", "get", user);
    const char *path = write_file(text("%s.keyring", user), keyring, strlen(keyring));

    free(keyring);
    return path;
}
