/* SPDX-License-Identifier: MIT */
/*
 * The image a tool is to work on and the way to it: what both tools' common options say.
 */
#ifndef TARGET_H
#define TARGET_H

#include <getopt.h>
#include <stdbool.h>

#include <vdisk/vdisk.h>

#include "common/tool.h"

/* What getopt_long returns for the common options. A tool's own start at TARGET_OPTION_END. */
enum {
    TARGET_CONF = 256,
    TARGET_ID,
    TARGET_KEYRING,
    TARGET_OPTION,
    TARGET_URI_FILE,
    TARGET_URI_POLICY,
    TARGET_CACHE,
    TARGET_ENCRYPTION,
    TARGET_PASSPHRASE_FILE,
    TARGET_EXCLUSIVE,
    TARGET_BREAK_LOCK,
    TARGET_OPTION_END,
};

/* clang-format off */
#define TARGET_LONG_OPTIONS \
    {"conf", required_argument, NULL, TARGET_CONF}, \
    {"id", required_argument, NULL, TARGET_ID}, \
    {"keyring", required_argument, NULL, TARGET_KEYRING}, \
    {"option", required_argument, NULL, TARGET_OPTION}, \
    {"uri-file", required_argument, NULL, TARGET_URI_FILE}, \
    {"uri-policy", required_argument, NULL, TARGET_URI_POLICY}, \
    {"cache", required_argument, NULL, TARGET_CACHE}, \
    {"encryption", required_argument, NULL, TARGET_ENCRYPTION}, \
    {"passphrase-file", required_argument, NULL, TARGET_PASSPHRASE_FILE}, \
    {"exclusive", no_argument, NULL, TARGET_EXCLUSIVE}, \
    {"break-lock", no_argument, NULL, TARGET_BREAK_LOCK}, \
    {"help", no_argument, NULL, TOOL_HELP}, \
    {"version", no_argument, NULL, TOOL_VERSION}

#define TARGET_HELP_TEXT \
    "      --conf FILE            Ceph configuration file\n" \
    "      --id NAME              Ceph user, without \"client.\"\n" \
    "      --keyring FILE         where the user's key is\n" \
    "      --option KEY=VALUE     set any Ceph option; outranks the URI\n" \
    "      --uri-file FILE        read the URI from FILE, - for standard input\n" \
    "      --uri-policy guarded|strict|any\n" \
    "                             which options the URI may set (default: guarded)\n" \
    "      --cache default|none|write-through|write-back\n" \
    "                             what to keep of the image in memory\n" \
    "      --passphrase-file FILE what opens an encrypted image\n" \
    "      --encryption luks1|luks2\n" \
    "                             how it is encrypted (default: find out)\n" \
    "      --exclusive            take the image's lock, so that nobody else writes\n" \
    "      --break-lock           with --exclusive: take it from an owner that is dead\n" \
    "      --help                 print this and exit\n" \
    "      --version              print the version and exit\n"
/* clang-format on */

struct target {
    /* The common options, ready for vdisk_open. */
    struct vdisk_open_options open;
    /* What open.options points to. */
    struct vdisk_option *options;
    /* NULL: the URI is an argument. */
    const char *uri_file;
    /* What to add to open.flags for an image that is to be changed. */
    uint32_t change_flags;
};

/* `argc` is main's: there cannot be more options than that. Returns 0 or a negative errno. */
int target_init(struct target *target, int argc, struct vdisk_error *err);
void target_release(struct target *target);

/*
 * Takes a common option other than --help and --version. `value` is getopt's: it is kept, and cut at a `=`. Returns 0,
 * or TOOL_USAGE after a complaint.
 */
int target_take(struct target *target, int option, char *value);

/* Complains about options that do not go together. Returns 0 or TOOL_USAGE. */
int target_check(struct target *target);

/*
 * The number of arguments must be `count` besides a URI, which comes first and is among them unless --uri-file stands
 * for it. `what` names all of them for the complaint. Returns 0 or TOOL_USAGE.
 */
int target_check_arguments(const struct target *target, int argument_count, int count, const char *what);

/* Parses the URI: `argument`, unless --uri-file was given. *uri is to be freed. */
int target_parse(struct vdisk_uri **uri, const struct target *target, const char *argument, struct vdisk_error *err);

#endif
