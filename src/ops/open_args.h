/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How to reach an image: copies of the URI and of the struct vdisk_open_options that a call was given, which live as
 * long as an operation or an open disk needs them. open_options.h only checks the caller's options, and copies nothing
 * that they point to.
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
    /* The copies that `options` points to. */
    char *id;
    char *conf;
    struct vdisk_option *own_options;
    struct vd_passphrase passphrase;
    char *passphrase_file;
};

/*
 * Checks what the caller passed (vd_open_options_read), copies it to *args, which is all zero, and finds its cluster.
 * The caller gets a reference to the cluster. On failure *cluster is NULL. Returns 0, or a negative errno with a
 * message in `err`. vd_open_args_destroy must follow in either case.
 */
int vd_open_args_init(struct vd_open_args *args, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                      const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err);

/* Frees the copies, and wipes the passphrase and the values of options. Leaves *args all zero. */
void vd_open_args_destroy(struct vd_open_args *args);

/* Destroys *args and frees the structure, too. NULL is fine. */
void vd_open_args_free(struct vd_open_args *args);

#endif
