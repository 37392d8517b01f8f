/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who gets which connection.
 */
#ifndef VD_CONNECTIONS_H
#define VD_CONNECTIONS_H

#include "cluster/connection.h"

/*
 * Gets a connection to `cluster`, which the URI and the options name, of which the policy has been checked, and opens
 * the pool and namespace that the URI names; *pool is to be closed with rados_ioctx_destroy. The first is for an
 * operation, the second for a disk, whose number on a connection is bounded. Blocks. To be called with signals blocked
 * (process.h), since it starts threads.
 */
int vd_connection_get(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                      const struct vdisk_uri *uri, const struct vdisk_open_options *options, struct vdisk_error *err);
int vd_connection_get_for_disk(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                               const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                               struct vdisk_error *err);

/* Gives it back; every pool opened through it must be closed. The last closes it, which blocks. NULL is fine. */
void vd_connection_put(struct vd_connection *connection);
void vd_connection_put_by_disk(struct vd_connection *connection);

/* Nobody else gets it from now on. Any thread, never blocks. */
void vd_connection_retire(struct vd_connection *connection);

#endif
