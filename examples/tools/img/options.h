/* SPDX-License-Identifier: MIT */
/*
 * The options of vdisk-img.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "img/args.h"
#include "img/command.h"

#define IMG_OPTIONS_HELP                                                                                               \
    "      --json                 print JSON (parse, info, list, map, diff, snapshot list)\n"                          \
    "      --object-size SIZE     size of the objects the new image is cut into\n"                                     \
    "      --stripe-unit SIZE     stripe the new image over its objects, so much at a time ...\n"                      \
    "      --stripe-count NUMBER  ... over so many at once\n"                                                          \
    "      --features LIST        what the new image can do, separated by commas: layering,\n"                         \
    "                             exclusive-lock, object-map, fast-diff, deep-flatten, journaling; or none\n"          \
    "      --data-pool POOL       keep the data of the new image in another pool\n"                                    \
    "      --from SNAPSHOT        the changes since then; without it, all there is\n"                                  \
    "      --own                  leave out the data that a clone has from its parent\n"                               \
    "      --shrink               allow resize to make the image smaller\n"                                            \
    "  -p, --progress             show progress even if standard error is no terminal (remove, resize,\n"              \
    "                             flatten, snapshot rollback)\n"                                                       \
    "  -q, --quiet                show no progress\n"

/*
 * Takes all options of the command line. Sets *help_or_version to OPTION_HELP or OPTION_VERSION if one of them is
 * given. Returns 0, or TOOL_USAGE after a message.
 */
int options_take(struct img_args *args, int *help_or_version, int argc, char **argv);

/* Checks that the command takes all options that were given. Returns 0, or TOOL_USAGE after a message. */
int options_check(const struct img_args *args, const struct img_command *command);

#endif
