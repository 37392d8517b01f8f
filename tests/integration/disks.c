/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disks.h"

#include <string.h>

#include "undo.h"

void assert_done(int result, const struct vdisk_error *err)
{
    if (result != 0)
        fail_msg("it fails with %d: %s", result, err->message);
    assert_int_equal(err->code, 0);
    assert_string_equal(err->message, "");
}

void assert_failed(int result, int code, const struct vdisk_error *err, const char *const fragments[])
{
    if (result != code)
        fail_msg("the result is %d instead of %d: %s", result, code, err->message);
    assert_int_equal(err->code, code);
    for (size_t i = 0; fragments[i]; i++) {
        if (!strstr(err->message, fragments[i]))
            fail_msg("'%s' does not stand in: %s", fragments[i], err->message);
    }
}

static void close_leftover(void *disk)
{
    vdisk_close(disk, NULL);
}

struct vdisk_open_options default_options(uint32_t flags)
{
    struct vdisk_open_options options;

    vdisk_open_options_init(&options, sizeof options);
    options.flags = flags;
    options.conf = conf_path();
    return options;
}

struct vdisk *open_disk_with(const char *spec, const struct vdisk_open_options *options)
{
    struct vdisk_error err;
    struct vdisk *disk;

    assert_done(vdisk_open_uri(&disk, text("rbd:%s", spec), options, &err), &err);
    assert_non_null(disk);
    undo_later(close_leftover, disk);
    return disk;
}

struct vdisk *open_disk(const char *spec, uint32_t flags)
{
    struct vdisk_open_options options = default_options(flags);

    return open_disk_with(spec, &options);
}

struct vdisk *open_write_back(const char *spec)
{
    static const struct vdisk_option write_back[] = {
        {"rbd_cache", "true"},
        {"rbd_cache_policy", "writeback"},
        {"rbd_cache_writethrough_until_flush", "false"},
        {"rbd_cache_max_dirty_age", "3600"},
    };
    struct vdisk_open_options options = default_options(0);

    options.options = write_back;
    options.option_count = sizeof write_back / sizeof *write_back;
    return open_disk_with(spec, &options);
}

void close_disk(struct vdisk *disk)
{
    struct vdisk_error err;

    forget(disk);
    assert_done(vdisk_close(disk, &err), &err);
}

void create_image(const char *spec, uint64_t size, uint64_t object_size)
{
    struct vdisk_open_options connect = default_options(0);
    struct vdisk_create_options create;
    struct vdisk_error err;
    struct vdisk_uri *uri;

    vdisk_create_options_init(&create, sizeof create);
    create.object_size = object_size;
    assert_done(vdisk_uri_parse(&uri, text("rbd:%s", spec), &err), &err);
    assert_done(vdisk_create(uri, size, &create, &connect, &err), &err);
    vdisk_uri_free(uri);
}
