/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster as callers name it: the user, the configuration file and the options of a URI and of the program. What is
 * named alike shares the threads that may block on it, so that a cluster which does not answer holds up nobody else.
 */
#ifndef VD_CLUSTER_H
#define VD_CLUSTER_H

#include <stddef.h>

#include <vdisk/disk.h>
#include <vdisk/uri.h>

#include "thread/executor.h"

struct vd_connection;

struct vd_cluster {
    /* Of the registry, under its lock. */
    struct vd_cluster *next;
    unsigned int references;
    /* The text of all that was named. Can hold secrets. */
    char *key;
    size_t key_size;

    struct vd_executor *executor;
    /* For what open disks do aside: operations that take long must not hold that up. */
    struct vd_executor *background;
    /* Those that are open, or being opened (connections.c). */
    struct vd_connection *connections;
};

/* The cluster that these name. Never blocks. NULL: out of memory. */
struct vd_cluster *vd_cluster_find(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

/* One more reference. */
struct vd_cluster *vd_cluster_get(struct vd_cluster *cluster);

/* Drops a reference. NULL is fine. */
void vd_cluster_put(struct vd_cluster *cluster);

#endif
