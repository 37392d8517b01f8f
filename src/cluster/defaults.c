/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/defaults.h"

#include <string.h>

#include <vdisk/disk.h>

#include "base/error.h"

#define DEFAULT(option, value) "--default-" option "=" value

/* Without this, librados waits five minutes for a monitor, which looks like a hang. */
#define CONNECT_TIMEOUT DEFAULT("client_mount_timeout", "30")

/*
 * With Ceph's default of two threads, they wake each other and wait for each other at every completion. That costs 10
 * to 40 % of the processor's time (16.2.15).
 */
#define ONE_CALLBACK_THREAD DEFAULT("librados_thread_count", "1")

/*
 * The threshold is larger than any object, so librbd never asks for a sparse read. A sparse read returns a map of what
 * the object stores. The map costs a copy of the data, and mostly says that all of it is stored.
 */
#define NO_SPARSE_READS DEFAULT("rbd_sparse_read_threshold_bytes", "1073741824")

/* Fewer threads for each connection, for programs that need a small footprint. */
#define ONE_NETWORK_THREAD DEFAULT("ms_async_op_threads", "1")

#define MAX_DEFAULTS 4

/* The defaults for each enum vdisk_tuning. */
static const char *const profiles[][MAX_DEFAULTS] = {
    [VDISK_TUNE_NONE] = {CONNECT_TIMEOUT},
    [VDISK_TUNE_THROUGHPUT] = {CONNECT_TIMEOUT, ONE_CALLBACK_THREAD, NO_SPARSE_READS},
    [VDISK_TUNE_FOOTPRINT] = {CONNECT_TIMEOUT, ONE_CALLBACK_THREAD, NO_SPARSE_READS, ONE_NETWORK_THREAD},
};

/*
 * rados_conf_set would outrank everything that is written in a file. Only a command line can change what Ceph takes for
 * an option's default, so this function passes one that it makes up. Ceph ignores names that its version does not know.
 */
int vd_defaults_set(rados_t cluster, uint32_t tuning, struct vdisk_error *err)
{
    const char *arguments[1 + MAX_DEFAULTS] = {"libvdisk"};
    int count = 1, r;

    for (int i = 0; i < MAX_DEFAULTS && profiles[tuning][i]; i++)
        arguments[count++] = profiles[tuning][i];
    r = rados_conf_parse_argv(cluster, count, arguments);
    if (r < 0)
        return vd_error_set(err, r, "Ceph refuses libvdisk's defaults of options: %s.", strerror(-r));
    return 0;
}
