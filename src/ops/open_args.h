/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a call names, checked and copied: a URI and how to reach its cluster.
 */
#ifndef VD_OPEN_ARGS_H
#define VD_OPEN_ARGS_H

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "base/passphrase.h"
#include "cluster/cluster.h"

struct vd_open_args {
    struct vdisk_uri *uri;
    struct vdisk_open_options options;
    /* What `options` points to. */
    char *id;
    char *conf;
    struct vdisk_option *own_options;
    struct vd_passphrase passphrase;
    char *passphrase_file;
};

/*
 * Checks what the caller passed, as vd_open_options_read does, copies it to *args, all zero before, and finds its
 * cluster, of which the caller gets a reference. On failure *cluster is NULL, and *args may be cleared or not.
 */
int vd_open_args_init(struct vd_open_args *args, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                      const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err);

/* Frees the copies, values of options and the passphrase wiped. */
void vd_open_args_destroy(struct vd_open_args *args);

/* The same, and the structure too. NULL is fine. */
void vd_open_args_free(struct vd_open_args *args);

#endif
