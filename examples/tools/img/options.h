/* SPDX-License-Identifier: MIT */
/*
 * Parses the options of vdisk-img.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "img/args.h"
#include "img/command.h"

#define IMG_OPTIONS_HELP                                                                                               \
    "      --json                 print JSON (parse, info, list, map, diff, snapshot list)\n"                          \
    "      --object-size SIZE     size of the objects that store the new image\n"                                      \
    "      --stripe-unit SIZE     put this much into one object, then go on to the next\n"                             \
    "      --stripe-count NUMBER  go back to the first object after this many\n"                                       \
    "      --features LIST        features of the new image, separated by commas: layering,\n"                         \
    "                             exclusive-lock, object-map, fast-diff, deep-flatten,\n"                              \
    "                             journaling; or none\n"                                                               \
    "      --data-pool POOL       store the data of the new image in another pool\n"                                   \
    "      --from SNAPSHOT        with diff: what has changed since this snapshot (default:\n"                         \
    "                             since the image was created)\n"                                                      \
    "      --own                  leave out the data that a clone has from its parent\n"                               \
    "      --shrink               allow resize to shrink the image\n"                                                  \
    "  -p, --progress             show progress even if standard error is not a terminal\n"                            \
    "                             (flatten, remove, resize, snapshot rollback)\n"                                      \
    "  -q, --quiet                do not show progress\n"

/*
 * Takes all options of the command line. Sets *help_or_version to OPTION_HELP or OPTION_VERSION if one of them is
 * given. Returns 0, or TOOL_USAGE after a message.
 */
int options_take(struct img_args *args, int *help_or_version, int argc, char **argv);

/* Checks that the command takes all options that were given. Returns 0, or TOOL_USAGE after a message. */
int options_check(const struct img_args *args, const struct img_command *command);

#endif
