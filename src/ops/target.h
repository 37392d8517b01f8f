/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a call names, checked and copied: a URI and how to reach its cluster.
 */
#ifndef VD_TARGET_H
#define VD_TARGET_H

#include <vdisk/disk.h>
#include <vdisk/error.h>
#include <vdisk/uri.h>

#include "base/passphrase.h"
#include "cluster/cluster.h"

struct vd_target {
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
 * Checks what the caller passed, as vd_open_options_read does, copies it to *target, all zero before, and finds its
 * cluster, of which the caller gets a reference. On failure *cluster is NULL, and *target may be cleared or not.
 */
int vd_target_init(struct vd_target *target, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                   const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err);

/* Frees the copies, values of options and the passphrase wiped. */
void vd_target_clear(struct vd_target *target);

/* The same, and the structure too. NULL is fine. */
void vd_target_free(struct vd_target *target);

#endif
