/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shares the connections of clusters among disks and operations.
 */
#ifndef VD_CONNECTIONS_H
#define VD_CONNECTIONS_H

#include "cluster/connection.h"

/*
 * Get a connection to `cluster`, and open the pool and the namespace that the URI names. The first function is for an
 * operation; the second is for a disk, and limits the number of disks on a connection. `cluster` is the one that the
 * URI and the options name, and the caller has checked the URI against the policy. The caller closes *pool with
 * rados_ioctx_destroy.
 *
 * Both return 0, or a negative errno with its message in `err`; *connection and *pool are then NULL. Both block. The
 * caller has blocked signals (process.h), because they start threads, which inherit that.
 */
int vd_connection_get(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                      const struct vdisk_uri *uri, const struct vdisk_open_options *options, struct vdisk_error *err);
int vd_connection_get_for_disk(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                               const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                               struct vdisk_error *err);

/*
 * Drop the reference of an operation or of a disk. Every pool that was opened through it must be closed. The last one
 * closes the connection, which blocks. NULL is allowed.
 */
void vd_connection_put(struct vd_connection *connection);
void vd_connection_put_by_disk(struct vd_connection *connection);

/* Retires the connection: no other caller gets it from now on. Any thread may call it. Never blocks. */
void vd_connection_retire(struct vd_connection *connection);

#endif
