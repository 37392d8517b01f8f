/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void set_image_option(const char *name, const char *value)
{
    char key[128] = "conf_";

    strncat(key, name, sizeof key - sizeof "conf_");
    assert_int_equal(rbd_metadata_set(image, key, value), 0);
}
