/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the files that a connection was configured from are still what they were.
 */
#ifndef VD_CONF_FILES_H
#define VD_CONF_FILES_H

#include <stdint.h>

/*
 * A number for what is at the paths of a list, separated as Ceph separates them, missing files included. It changes
 * when a file is changed or replaced: device, inode, size and times are looked at, not the contents.
 */
uint64_t vd_conf_files_digest(const char *list);

/* The same for a configuration file as callers name it; NULL: Ceph's search path. */
uint64_t vd_conf_files_digest_conf(const char *conf);

#endif
