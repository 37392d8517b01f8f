/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agree.h"

#include "fake.h"

const char *conf_path(void)
{
    return "/fake/ceph.conf";
}

void set_up_cluster(void)
{
    fake_reset();
    fake_conf_file(conf_path(), 0);
    fake_create_pool(POOL);
}

void tear_down_cluster(void)
{
    fake_reset();
}

void set_image_option(const char *name, const char *value)
{
    fake_set_image_option(POOL, "", image_name, name, value);
}
