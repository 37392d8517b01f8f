/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to a cluster, which disks and operations share. A connection costs a dozen threads, so one for each disk
 * is too many. With a single one for all disks, fencing would hit all of them at once, and it would be slower than
 * several.
 *
 * A caller that asks for a connection gets an existing one if that was configured alike, from files that have not
 * changed. That connection must also have room for another disk, and be neither fenced nor failed. Otherwise the caller
 * gets a new connection. Other callers that match a connection while it is being connected wait for this one attempt,
 * and fail if it fails.
 */
#ifndef VD_CONNECTION_H
#define VD_CONNECTION_H

#include <rados/librados.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "cluster/cluster.h"
#include "thread/worker.h"

enum vd_connection_state {
    VD_CONNECTION_CONNECTING,
    VD_CONNECTION_READY,
    VD_CONNECTION_FAILED,
};

struct vd_connection {
    /* The cluster as callers name it. The connection has a reference to it. */
    struct vd_cluster *cluster;
    rados_t rados;
    struct vd_worker worker;

    /* Its further configuration, besides what names the cluster: what libvdisk sets, and the state of the files. */
    uint32_t cache_mode;
    uint32_t tuning;
    uint64_t conf_digest;
    char *keyrings;
    uint64_t keyrings_digest;

    /*
     * The connection is fenced or failed, or its files have changed, so no other caller gets it. Relaxed: the flag
     * publishes no other data.
     */
    atomic_bool retired;

    /* The lock of connections.c protects everything from here on. `next` links the connections of the cluster. */
    struct vd_connection *next;
    unsigned int references;
    /* How many of the references are disks, which vdisk_open_options.disks_per_connection limits. */
    unsigned int disks;
    enum vd_connection_state state;
    /* Why the attempt to connect has failed. */
    int result;
    struct vdisk_error error;
};

/*
 * Opens the pool and the namespace that the URI names. The caller closes *pool with rados_ioctx_destroy. Returns 0, or
 * a negative errno with its message in `err`; *pool is then NULL. Blocks.
 */
int vd_connection_open_pool(rados_ioctx_t *pool, struct vd_connection *connection, const struct vdisk_uri *uri,
                            struct vdisk_error *err);

/*
 * Connects a connection, once, and disconnects it. Only connections.c calls these: the first while other callers wait
 * for it, the second when the last reference is gone. Both block.
 */
int vd_connection_connect(struct vd_connection *connection, const struct vdisk_uri *uri,
                          const struct vdisk_open_options *options, struct vdisk_error *err);
void vd_connection_disconnect(struct vd_connection *connection);

/* Tells whether the configuration file and the keyrings are unchanged since connecting. Blocks on the file system. */
bool vd_connection_is_current(const struct vd_connection *connection, const struct vdisk_uri *uri,
                              const struct vdisk_open_options *options);

#endif
