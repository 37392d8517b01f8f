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

#include "common/target.h"

struct img {
    struct target target;
    const struct img_command *command;
    /* NULL for list. */
    struct vdisk_uri *uri;
    /* The SIZE of create and resize. */
    uint64_t size;
    /* The NAME of rename, the URI of a clone, the POOL/NAMESPACE of list. */
    const char *argument;
    /* How create and clone are to make an image. */
    struct vdisk_create_options create;
    /* The options that are not common, for img_check_options. */
    unsigned int given;
    /* What is printed goes here. */
    FILE *out;
    bool wants_json;
    bool may_shrink;
    /* The snapshot of --from; NULL: there is none. */
    const char *from;
    bool leaves_out_parent;
    bool wants_progress;
    bool is_quiet;
};

/* Run a command. Return 0 or a negative errno. */
typedef int img_function(struct img *img, struct vdisk_error *err);

img_function img_parse;
img_function img_info;
img_function img_create;
img_function img_resize;
img_function img_remove;
img_function img_rename;
img_function img_list;
img_function img_clone;
img_function img_flatten;
img_function img_map;
img_function img_diff;
img_function img_snapshot_list;
img_function img_snapshot_create;
img_function img_snapshot_remove;
img_function img_snapshot_rollback;
img_function img_snapshot_protect;
img_function img_snapshot_unprotect;

/*
 * Starts an operation on a queue, asking it for progress; `disk` is NULL for an image that is not open. Returns 0 or a
 * negative errno.
 */
typedef int img_start_function(struct vdisk_queue *queue, const struct img *img, struct vdisk *disk,
                               struct vdisk_error *err);

/* Starts an operation and waits for its end, with a progress bar when one is wanted. Returns 0 or a negative errno. */
int img_wait(const struct img *img, struct vdisk *disk, img_start_function *start, struct vdisk_error *err);

/* Refuses a URI that names a snapshot, which the command, `what`, can do nothing with. */
int img_refuse_snapshot(const struct img *img, const char *what, struct vdisk_error *err);

#endif
