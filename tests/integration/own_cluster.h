/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster of the test's own, for what no other test would like: daemons that stand still, or die, or have
 * no room.
 */
#ifndef OWN_CLUSTER_H
#define OWN_CLUSTER_H

#include <stdbool.h>

#define CLUSTER(...) succeed(ARGV(VDISK_CLUSTER_SCRIPT, __VA_ARGS__))

/* Of the group, in the place of set_up and tear_down. The cluster goes with the process, however that ends. */
int start_own_cluster(void **state);
int start_own_cluster_with_manager(void **state);
int stop_own_cluster(void **state);

/* Of a daemon, "osd.0", say; clean_up thaws what is frozen. */
void freeze(const char *daemon);
void thaw_now(const char *daemon);

#endif
