/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <stdio.h>
#include <stdlib.h>

const char *conf_path(void)
{
    static char path[4096];
    const char *conf = getenv("VDISK_TEST_CONF"), *directory = getenv("VDISK_TEST_CLUSTER");

    if (conf)
        return conf;
    snprintf(path, sizeof path, "%s/ceph.conf", directory ? directory : ".");
    return path;
}

void set_up_cluster(void)
{
}

void tear_down_cluster(void)
{
}
