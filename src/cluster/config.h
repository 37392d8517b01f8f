/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a cluster handle that is configured and not yet connected.
 */
#ifndef VD_CONFIG_H
#define VD_CONFIG_H

#include <rados/librados.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Creates *cluster. Configures it from the URI and the program's options, in the order that <vdisk/disk.h> states. The
 * caller has checked the URI's options against the policy. Returns 0, or a negative errno with its message in `err`;
 * *cluster is then NULL. Blocks on the file system.
 */
int vd_config_create(rados_t *cluster, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                     struct vdisk_error *err);

/* Returns the configuration file that the program or the URI names. NULL: neither does; Ceph uses its search path. */
const char *vd_config_file(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

/*
 * Returns the list of keyrings in which a configured cluster handle looks for its key. The caller frees it. NULL: out
 * of memory.
 */
char *vd_config_keyrings(rados_t cluster);

/* Returns the name of the Ceph user: from the program, or the URI, or else Ceph's default, "admin". */
const char *vd_config_user(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

#endif
