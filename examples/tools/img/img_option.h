/* SPDX-License-Identifier: MIT */
/*
 * The options of vdisk-img.
 */
#ifndef IMG_OPTION_H
#define IMG_OPTION_H

#include "img/img.h"

/* What a command takes besides the common options: options, by which it also knows which were given, and arguments. */
enum {
    TAKES_JSON = 1 << 0,
    TAKES_LAYOUT = 1 << 1,
    TAKES_SHRINK = 1 << 2,
    TAKES_FROM = 1 << 3,
    TAKES_OWN = 1 << 4,
    TAKES_PROGRESS = 1 << 5,
    /* After the URI: a SIZE, a NAME, the URI of a CLONE. */
    TAKES_SIZE = 1 << 6,
    TAKES_NAME = 1 << 7,
    TAKES_CLONE = 1 << 8,
    /* POOL[/NAMESPACE] in the place of a URI. */
    TAKES_POOL = 1 << 9,
    /* Opens an image: whether it is encrypted, and its cache, matter. */
    TAKES_DISK = 1 << 10,
    /* Changes it while it is open. */
    TAKES_LOCK = 1 << 11,
    /* Makes an encrypted image. */
    TAKES_ENCRYPTION = 1 << 12,
};

#define IMG_OPTION_HELP_TEXT                                                                                           \
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

/* Takes all options of the command line. *question is TOOL_HELP or TOOL_VERSION if that is asked for. */
int img_take_options(struct img *img, int *question, int argc, char **argv);

/* Complains about an option that `command`, which takes these, does not. Returns 0 or TOOL_USAGE. */
int img_check_options(const struct img *img, unsigned int takes, const char *command);

#endif
