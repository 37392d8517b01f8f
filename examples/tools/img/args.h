/* SPDX-License-Identifier: MIT */
/*
 * What the command line of vdisk-img says, for the commands to read.
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
    /* How create and clone make the image. */
    struct vdisk_create_options create;
    /* The snapshot of --from, or NULL. */
    const char *from;
    bool wants_json;
    bool may_shrink;
    bool leaves_out_parent;
    struct progress_options progress;
    /* The options given that not every command takes: a bit for each, known to options.c. */
    unsigned int given;
    /* Where a command prints. */
    FILE *out;
};

/* The type of a command. It returns 0 or a negative errno. */
typedef int img_command_function(const struct img_args *args, struct vdisk_error *err);

#endif
