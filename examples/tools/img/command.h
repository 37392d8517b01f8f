/* SPDX-License-Identifier: MIT */
/*
 * Lists the commands, with the options and arguments that each takes.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "img/args.h"

/* What a command takes besides the options that say how to reach the cluster. */
enum {
    /* Options. */
    TAKES_JSON = 1 << 0,
    TAKES_LAYOUT = 1 << 1,
    TAKES_SHRINK = 1 << 2,
    TAKES_FROM = 1 << 3,
    TAKES_OWN = 1 << 4,
    TAKES_PROGRESS = 1 << 5,
    /* A second argument, after the URI. */
    TAKES_SIZE = 1 << 6,
    TAKES_NAME = 1 << 7,
    TAKES_CLONE = 1 << 8,
    /* POOL[/NAMESPACE] instead of a URI. */
    TAKES_POOL = 1 << 9,
    /* The options for caching and encryption, because the command opens an image. */
    TAKES_DISK = 1 << 10,
    /* The options for the lock, because the command changes an image that it has open. */
    TAKES_LOCK = 1 << 11,
    /* The options for encryption, because the command creates an image. */
    TAKES_ENCRYPTION = 1 << 12,
};

struct img_command {
    /* One word or two. */
    const char *name;
    unsigned int takes;
    img_command_function *run;
};

/*
 * Finds the command that the arguments start with, and moves *arguments and *count past it. Returns 0, or TOOL_USAGE
 * after a message.
 */
int command_find(const struct img_command **command, int *count, char ***arguments);

#endif
