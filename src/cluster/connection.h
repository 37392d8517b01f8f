/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to a cluster, which disks and operations share: one costs a dozen threads, so that one for each disk is
 * too many; one for all would be fenced with all of them at once, and be slower than several.
 *
 * Whoever asks for a connection gets one that was configured alike, from files that have not changed, has room, and is
 * neither fenced nor failed; else a new one. Those who ask while it is being connected wait for that one attempt, and
 * fail with it.
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
    /* As named by callers; has a reference of it. */
    struct vd_cluster *cluster;
    rados_t rados;
    struct vd_worker worker;

    /* What it was configured with beside what names the cluster: what libvdisk sets, and the files as they were. */
    uint32_t cache_mode;
    uint32_t tuning;
    uint64_t conf_digest;
    char *keyrings;
    uint64_t keyrings_digest;

    /* Not to be given to anybody else: fenced, or the files have changed. Relaxed: no other data is read by it. */
    atomic_bool retired;

    /* Of the cluster's list, under the lock of connections.c. */
    struct vd_connection *next;
    unsigned int references;
    /* Those among the references that count for disks_per_connection. */
    unsigned int disks;
    enum vd_connection_state state;
    /* Why the attempt failed. */
    int result;
    struct vdisk_error error;
};

/* Opens another pool on it, and the namespace that the URI names, as vd_connection_get does. Blocks. */
int vd_connection_open_pool(rados_ioctx_t *pool, struct vd_connection *connection, const struct vdisk_uri *uri,
                            struct vdisk_error *err);

/* What connections.c does with one that nobody else knows: connects it, once; and disconnects it. Both block. */
int vd_connection_connect(struct vd_connection *connection, const struct vdisk_uri *uri,
                          const struct vdisk_open_options *options, struct vdisk_error *err);
void vd_connection_disconnect(struct vd_connection *connection);

/* Whether the files are still as they were. Looks at the file system. */
bool vd_connection_is_current(const struct vd_connection *connection, const struct vdisk_uri *uri,
                              const struct vdisk_open_options *options);

#endif
