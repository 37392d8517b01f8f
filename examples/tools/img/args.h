/* SPDX-License-Identifier: MIT */
/*
 * Holds the command line of vdisk-img, which the commands read.
 */
#ifndef ARGS_H
#define ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <vdisk/vdisk.h>

#include "common/open_args.h"
#include "common/progress.h"

struct img_args {
    struct open_args open;
    /* NULL for list. */
    struct vdisk_uri *uri;
    /* The SIZE of create and resize. */
    uint64_t size;
    /* The NAME of rename, the CLONE-URI of clone, the POOL[/NAMESPACE] of list. */
    const char *argument;
    /* The options about the new image of create and clone. */
    struct vdisk_create_options create;
    /* The snapshot of --from, or NULL. */
    const char *from;
    bool wants_json;
    bool may_shrink;
    bool leaves_out_parent;
    struct progress_options progress;
    /* A bit for each option that is given and that not every command takes. Only options.c knows the bits. */
    unsigned int given;
    /* Where a command prints. */
    FILE *out;
};

/* The type of a command. It returns 0 or a negative errno. */
typedef int img_command_function(const struct img_args *args, struct vdisk_error *err);

#endif
