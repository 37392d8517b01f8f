/* SPDX-License-Identifier: MIT */
/*
 * The commands of vdisk-img.
 */
#ifndef IMG_H
#define IMG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vdisk/vdisk.h>

#include "target.h"

struct img {
    struct target target;
    const struct img_command *command;
    struct vdisk_uri *uri;
    /* The SIZE of create and resize. */
    uint64_t size;
    /* 0: as the cluster is configured. */
    uint64_t object_size;
    /* What is printed goes here. */
    FILE *out;
    bool wants_json;
    bool may_shrink;
    /* The snapshot of --from; NULL: there is none. */
    const char *from;
    bool leaves_out_parent;
};

/* Run a command. Return 0 or a negative errno. */
typedef int img_function(struct img *img, struct vdisk_error *err);

img_function img_parse;
img_function img_info;
img_function img_create;
img_function img_resize;
img_function img_map;
img_function img_diff;
img_function img_snapshot_list;
img_function img_snapshot_create;
img_function img_snapshot_remove;
img_function img_snapshot_rollback;
img_function img_snapshot_protect;
img_function img_snapshot_unprotect;

/* Refuses a URI that names a snapshot, which the command, `what`, can do nothing with. */
int img_refuse_snapshot(const struct img *img, const char *what, struct vdisk_error *err);

#endif
