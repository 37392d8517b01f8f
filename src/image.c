/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <rbd/librbd.h>
#include <stddef.h>
#include <string.h>

#include <vdisk/image.h>

#include "check.h"
#include "connection.h"
#include "error.h"
#include "open_options.h"
#include "process.h"
#include "structs.h"

/* The first release's size of the structure. */
#define CREATE_OPTIONS_FIRST (offsetof(struct vdisk_create_options, object_size) + sizeof(uint64_t))

void vdisk_create_options_init(struct vdisk_create_options *options, size_t struct_size)
{
    vd_struct_init(options, struct_size);
}

static int read_create_options(struct vdisk_create_options *to, const struct vdisk_create_options *from,
                               struct vdisk_error *err)
{
    int r = vd_struct_read(to, sizeof *to, from, CREATE_OPTIONS_FIRST, "vdisk_create_options", err);
    uint64_t size;

    if (r < 0)
        return r;
    size = to->object_size;
    if (size == 0)
        return 0;
    if (size < VDISK_OBJECT_SIZE_MIN || size > VDISK_OBJECT_SIZE_MAX || (size & (size - 1)))
        return vd_error_set(err, -EINVAL, "The object size must be a power of two from %u to %u bytes.",
                            VDISK_OBJECT_SIZE_MIN, VDISK_OBJECT_SIZE_MAX);
    return 0;
}

static int create_in_pool(rados_ioctx_t pool, const struct vdisk_uri *uri, uint64_t size,
                          const struct vdisk_create_options *create, struct vdisk_error *err)
{
    struct vd_quoted image, pool_name;
    rbd_image_options_t options;
    int r = 0;

    rbd_image_options_create(&options);
    if (create->object_size)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_ORDER,
                                         (uint64_t)__builtin_ctzll(create->object_size));
    if (r == 0)
        r = rbd_create4(pool, vdisk_uri_image(uri), size, options);
    rbd_image_options_destroy(options);
    if (r == 0)
        return 0;
    vd_quote(&image, vdisk_uri_image(uri));
    vd_quote(&pool_name, vdisk_uri_pool(uri));
    if (r == -EEXIST)
        return vd_error_set(err, r, "There is an image %s in pool %s already.", image.text, pool_name.text);
    return vd_error_set(err, r, "Creating image %s in pool %s failed: %s.", image.text, pool_name.text, strerror(-r));
}

static int connect_and_create(struct vd_cluster *cluster, const struct vdisk_uri *uri, uint64_t size,
                              const struct vdisk_create_options *create, const struct vdisk_open_options *connect,
                              struct vdisk_error *err)
{
    struct vd_connection *connection;
    rados_ioctx_t pool;
    int r = vd_connection_open(&connection, &pool, cluster, uri, connect, err);

    if (r < 0)
        return r;
    r = create_in_pool(pool, uri, size, create, err);
    rados_ioctx_destroy(pool);
    vd_connection_release(connection);
    return r;
}

int vdisk_create(const struct vdisk_uri *uri, uint64_t size, const struct vdisk_create_options *create,
                 const struct vdisk_open_options *connect, struct vdisk_error *err)
{
    struct vdisk_open_options full_connect;
    struct vdisk_create_options full_create;
    struct vd_cluster *cluster;
    struct vd_quoted quoted;
    sigset_t signals;
    int r;

    vd_error_clear(err);
    r = vd_open_options_read(&full_connect, connect, 0, uri, err);
    if (r == 0)
        r = read_create_options(&full_create, create, err);
    if (r == 0)
        r = vd_check_size(size, err);
    if (r != 0)
        return r;
    if (vdisk_uri_snapshot(uri))
        return vd_error_set(err, -EINVAL, "The URI of an image to create must not name a snapshot, but it names %s.",
                            vd_quote(&quoted, vdisk_uri_snapshot(uri)));
    cluster = vd_cluster_get(uri, &full_connect);
    if (!cluster)
        return vd_error_set(err, -ENOMEM, "Out of memory for the options.");
    vd_signals_block(&signals);
    r = connect_and_create(cluster, uri, size, &full_create, &full_connect, err);
    vd_signals_restore(&signals);
    vd_cluster_put(cluster);
    return r;
}
