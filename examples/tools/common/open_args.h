/* SPDX-License-Identifier: MIT */
/*
 * Parses the options that both programs share. They say how to reach the cluster and how to open the image.
 */
#ifndef OPEN_ARGS_H
#define OPEN_ARGS_H

#include <getopt.h>
#include <stdint.h>

#include <vdisk/vdisk.h>

#include "common/option.h"

/* What getopt_long returns for the shared options. A program's own long options start at OPEN_ARGS_END. */
enum {
    OPEN_CONF = 256,
    OPEN_ID,
    OPEN_KEYRING,
    OPEN_OPTION,
    OPEN_URI_FILE,
    OPEN_URI_POLICY,
    OPEN_CACHE,
    OPEN_ENCRYPTION,
    OPEN_PASSPHRASE_FILE,
    OPEN_EXCLUSIVE,
    OPEN_BREAK_LOCK,
    OPEN_ARGS_END,
};

/* clang-format off */
#define OPEN_ARGS_LONG_OPTIONS \
    {"conf", required_argument, NULL, OPEN_CONF}, \
    {"id", required_argument, NULL, OPEN_ID}, \
    {"keyring", required_argument, NULL, OPEN_KEYRING}, \
    {"option", required_argument, NULL, OPEN_OPTION}, \
    {"uri-file", required_argument, NULL, OPEN_URI_FILE}, \
    {"uri-policy", required_argument, NULL, OPEN_URI_POLICY}, \
    {"cache", required_argument, NULL, OPEN_CACHE}, \
    {"encryption", required_argument, NULL, OPEN_ENCRYPTION}, \
    {"passphrase-file", required_argument, NULL, OPEN_PASSPHRASE_FILE}, \
    {"exclusive", no_argument, NULL, OPEN_EXCLUSIVE}, \
    {"break-lock", no_argument, NULL, OPEN_BREAK_LOCK}, \
    {"help", no_argument, NULL, OPTION_HELP}, \
    {"version", no_argument, NULL, OPTION_VERSION}

#define OPEN_ARGS_HELP \
    "      --conf FILE            use this Ceph configuration file\n" \
    "      --id NAME              authenticate as this Ceph user, without \"client.\"\n" \
    "      --keyring FILE         read the user's key from FILE\n" \
    "      --option KEY=VALUE     set a Ceph option; overrides the URI\n" \
    "      --uri-file FILE        read the URI from FILE; - is standard input\n" \
    "      --uri-policy guarded|strict|any\n" \
    "                             which options the URI may set (default: guarded)\n" \
    "      --cache default|none|write-through|write-back\n" \
    "                             how to cache the image in memory\n" \
    "      --passphrase-file FILE read the passphrase from FILE\n" \
    "      --encryption luks1|luks2\n" \
    "                             encryption format of the image (default: detect it)\n" \
    "      --exclusive            hold the image's lock, so that nobody else writes\n" \
    "      --break-lock           with --exclusive: break the lock of a dead owner\n" \
    "      --help                 print this help and exit\n" \
    "      --version              print the version and exit\n"
/* clang-format on */

struct open_args {
    /* Complete except for `flags`, which depend on what the program does with the image. */
    struct vdisk_open_options options;
    /* Memory that options.options points to. */
    struct vdisk_option *ceph_options;
    /* NULL if the URI is an argument. */
    const char *uri_file;
    /* The flags of --exclusive and --break-lock, which the program adds when it opens an image for writing. */
    uint32_t write_flags;
};

/* `argc` is that of main and bounds the number of Ceph options. Returns 0 or a negative errno. */
int open_args_init(struct open_args *args, int argc, struct vdisk_error *err);
void open_args_destroy(struct open_args *args);

/*
 * Takes a shared option other than --help and --version. *args keeps pointers into `value`, which is an element of argv
 * and is cut at its `=`. Returns 0, or TOOL_USAGE after a message.
 */
int open_args_take(struct open_args *args, int option, char *value);

/* Checks that the options fit together. Returns 0, or TOOL_USAGE after a message. */
int open_args_check(struct open_args *args);

/*
 * Checks the number of arguments. They are the URI, unless --uri-file replaces it, and what `second` names, unless that
 * is NULL. Returns 0, or TOOL_USAGE after a message.
 */
int open_args_check_count(const struct open_args *args, int argument_count, const char *second);

/*
 * Parses the URI in `argument`, or the one that --uri-file names. The caller frees *uri. Returns 0 or a negative errno.
 */
int open_args_parse_uri(struct vdisk_uri **uri, const struct open_args *args, const char *argument,
                        struct vdisk_error *err);

#endif
