/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cluster that the tests run on. */
#ifndef USED_CLUSTER_H
#define USED_CLUSTER_H

/* Setup and teardown of the group: set_up takes the cluster that VDISK_TEST_CLUSTER names. */
int set_up(void **state);
int tear_down(void **state);

/* The directory of the cluster in use, and the path of its ceph.conf. */
const char *cluster_dir(void);
const char *conf_path(void);
void use_cluster(const char *dir);

#endif
