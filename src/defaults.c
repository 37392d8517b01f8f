/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "defaults.h"

#include <string.h>

#include "error.h"

/*
 * rados_conf_set would outrank all that was written. What Ceph takes for the default can only be said on a command
 * line, so one is made up. Names that a version of Ceph does not know are passed over.
 */
static const char *defaults[] = {
    "libvdisk",
    /* librados by itself waits five minutes for a monitor; so long looks like a hang. */
    "--default-client_mount_timeout=30",
};

int vd_defaults_set(rados_t cluster, struct vdisk_error *err)
{
    int r = rados_conf_parse_argv(cluster, sizeof defaults / sizeof *defaults, defaults);

    if (r < 0)
        return vd_error_set(err, r, "Ceph refuses libvdisk's defaults of options: %s.", strerror(-r));
    return 0;
}
