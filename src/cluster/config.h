/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cluster handle, configured and not yet connected.
 */
#ifndef VD_CONFIG_H
#define VD_CONFIG_H

#include <rados/librados.h>

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

/*
 * Creates *cluster and configures it from the URI, whose options the policy has allowed, and the caller's options, in
 * the order that disk.h states.
 */
int vd_config_create(rados_t *cluster, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                     struct vdisk_error *err);

/* The configuration file that is named; NULL: Ceph's search path. */
const char *vd_config_file(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

/* The list of files that a configured handle looks for its key in, to be freed. NULL: out of memory. */
char *vd_config_keyrings(rados_t cluster);

/* The user's name for messages: as given, or Ceph's default. */
const char *vd_config_user(const struct vdisk_uri *uri, const struct vdisk_open_options *options);

#endif
