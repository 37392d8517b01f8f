/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls about images that are not open, by the text of their URI. Each looks that nothing is left behind.
 */
#ifndef IMAGE_HELPERS_H
#define IMAGE_HELPERS_H

#include "disk_fixture.h"

#include <string.h>

#include "fake.h"

static inline struct vdisk_uri *parse(const char *text)
{
    struct vdisk_uri *uri;

    assert_int_equal(vdisk_uri_parse(&uri, text, NULL), 0);
    return uri;
}

static inline void check_nothing_left(void)
{
    char leaks[512];

    if (fake_leaks(leaks, sizeof leaks) > 0)
        fail_msg("left behind: %s", leaks);
}

static inline int create_image(const char *text, uint64_t size, const struct vdisk_create_options *create,
                               struct vdisk_error *err)
{
    struct vdisk_uri *uri = parse(text);
    int r = vdisk_create(uri, size, create, NULL, err);

    vdisk_uri_free(uri);
    check_nothing_left();
    return r;
}

static inline int clone_image(const char *parent, const char *clone, const struct vdisk_create_options *create,
                              struct vdisk_error *err)
{
    struct vdisk_uri *parent_uri = parse(parent), *clone_uri = parse(clone);
    int r = vdisk_clone(parent_uri, clone_uri, create, NULL, err);

    vdisk_uri_free(parent_uri);
    vdisk_uri_free(clone_uri);
    return r;
}

static inline int remove_image(const char *text, struct vdisk_error *err)
{
    struct vdisk_uri *uri = parse(text);
    int r = vdisk_remove(uri, NULL, err);

    vdisk_uri_free(uri);
    return r;
}

static inline int rename_image(const char *text, const char *new_name, struct vdisk_error *err)
{
    struct vdisk_uri *uri = parse(text);
    int r = vdisk_rename(uri, new_name, NULL, err);

    vdisk_uri_free(uri);
    return r;
}

/* With a snapshot "s" of the image "i", protected. */
static inline int set_up_parent(void **state)
{
    struct vdisk *disk;
    int r = set_up_cluster(state);

    fake_create_snapshot("p", "", "i", "s", RBD_SNAP_NAMESPACE_TYPE_USER);
    disk = open_disk(IMAGE_URI, 0);
    assert_int_equal(vdisk_snapshot_protect(disk, "s", 0, NULL), 0);
    close_disk(disk);
    return r;
}

#endif
