/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds out whether the files that a connection was configured from have changed.
 */
#ifndef VD_CONF_FILES_H
#define VD_CONF_FILES_H

#include <stdint.h>

/*
 * Returns a digest of the files in a list of paths, which is separated as Ceph separates lists. Missing files count
 * too. The digest changes when a file is changed or replaced. It covers device, inode, size and times, not the
 * contents. Blocks on the file system.
 */
uint64_t vd_conf_files_digest(const char *list);

/* Does the same for the configuration file that a caller names, or for Ceph's search path if `conf` is NULL. */
uint64_t vd_conf_files_digest_conf(const char *conf);

#endif
