/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "used_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "undo.h"

static char *used_cluster;

const char *cluster_dir(void)
{
    return used_cluster;
}

void use_cluster(const char *dir)
{
    free(used_cluster);
    used_cluster = strdup(dir);
    assert_non_null(used_cluster);
}

const char *conf_path(void)
{
    static char path[4096];

    assert_true((size_t)snprintf(path, sizeof path, "%s/ceph.conf", used_cluster) < sizeof path);
    return path;
}

int set_up(void **state)
{
    const char *dir = getenv("VDISK_TEST_CLUSTER");

    (void)state;
    /* They would point the tools, or the library, at another cluster. */
    unsetenv("CEPH_ARGS");
    unsetenv("CEPH_CONF");
    unsetenv("CEPH_KEYRING");
    if (!dir) {
        print_error("VDISK_TEST_CLUSTER does not name a cluster's directory.\n");
        return -1;
    }
    use_cluster(dir);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    free(used_cluster);
    used_cluster = NULL;
    return 0;
}
