/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to a cluster.
 */
#ifndef VD_CONNECTION_H
#define VD_CONNECTION_H

#include <rados/librados.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "cluster.h"
#include "worker.h"

struct vd_connection {
    /* As named by callers; has a reference of it. */
    struct vd_cluster *cluster;
    rados_t rados;
    struct vd_worker worker;
};

/*
 * Connects to `cluster` as the URI and the options say, of which the policy has been checked, and opens the pool and
 * namespace that the URI names; *pool is to be closed with rados_ioctx_destroy. Blocks. To be called with signals
 * blocked (process.h), since it starts threads.
 */
int vd_connection_open(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                       const struct vdisk_uri *uri, const struct vdisk_open_options *options, struct vdisk_error *err);

/* Opens another pool on it, and the namespace that the URI names, as vd_connection_open does. Blocks. */
int vd_connection_open_pool(rados_ioctx_t *pool, struct vd_connection *connection, const struct vdisk_uri *uri,
                            struct vdisk_error *err);

/* Drops the connection; every pool opened through it must be closed. NULL is fine. */
void vd_connection_release(struct vd_connection *connection);

#endif
