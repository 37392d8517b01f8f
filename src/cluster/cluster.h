/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster as callers name it: by the user, the configuration file, and the options of the URI and of the program.
 * Callers that name all these alike share a struct vd_cluster. Each has its own threads that may block on the cluster,
 * so a cluster that does not answer delays nobody else.
 */
#ifndef VD_CLUSTER_H
#define VD_CLUSTER_H

#include <stddef.h>

#include <vdisk/disk.h>
#include <vdisk/uri.h>

#include "thread/executor.h"

struct vd_connection;

struct vd_cluster {
    /* These two belong to the registry, and its lock protects them. */
    struct vd_cluster *next;
    unsigned int references;
    /* Everything by which callers have named the cluster, as one text. It can contain secrets. */
    char *key;
    size_t key_size;

    /* Runs control operations. */
    struct vd_executor *executor;
    /* Runs the background jobs of open disks, which operations that take long must not delay. */
    struct vd_executor *background;
    /* The list of connections that are ready or being connected, under the lock of connections.c. */
    struct vd_connection *connections;
};

/* Finds or creates the cluster that these name, and takes a reference. Never blocks. NULL: out of memory. */
struct vd_cluster *vd_cluster_find(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

/* Takes another reference. Returns `cluster`. */
struct vd_cluster *vd_cluster_get(struct vd_cluster *cluster);

/* Drops a reference. The last one frees the cluster. Never blocks. NULL is allowed. */
void vd_cluster_put(struct vd_cluster *cluster);

#endif
