/* SPDX-License-Identifier: MIT */
/*
 * vdisk-cat: copies an image to standard output, or standard input to an image.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cat/range.h"
#include "cat/read.h"
#include "cat/write.h"
#include "common/open_args.h"
#include "common/option.h"
#include "common/progress.h"
#include "common/text.h"
#include "common/tool.h"

static const char help[] = "Usage: vdisk-cat [options] URI       copies an image to standard output\n"
                           "       vdisk-cat -w [options] URI    copies standard input to an image\n"
                           "\n"
                           "URI is rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...\n"
                           "SIZE is a number of bytes, or a number with the suffix K, M, G or T (powers of 1024).\n"
                           "\n"
                           "  -w, --write                write standard input to the image\n"
                           "  -o, --offset SIZE          start at this offset in the image (default: 0)\n"
                           "  -n, --length SIZE          copy at most SIZE bytes (default: up to the end)\n"
                           "  -p, --progress             show progress even if standard error is not a terminal\n"
                           "  -q, --quiet                do not show progress\n" OPEN_ARGS_HELP;

static const char short_options[] = ":wo:n:pq";
static const struct option long_options[] = {
    {"write", no_argument, NULL, 'w'},
    {"offset", required_argument, NULL, 'o'},
    {"length", required_argument, NULL, 'n'},
    {"progress", no_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    OPEN_ARGS_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* The command line. */
struct cat_args {
    struct open_args open;
    struct range range;
    struct progress_options progress;
    bool writes;
    /* OPTION_HELP or OPTION_VERSION, or 0 to copy. */
    int help_or_version;
};

/* Returns 0 or TOOL_USAGE. */
static int take_option(struct cat_args *args, int option, char *value)
{
    switch (option) {
    case 'w':
        args->writes = true;
        return 0;
    case 'o':
        return option_size(&args->range.offset, "Option --offset", value);
    case 'n':
        args->range.has_length = true;
        return option_size(&args->range.length, "Option --length", value);
    case 'p':
        args->progress.wanted = true;
        return 0;
    case 'q':
        args->progress.unwanted = true;
        return 0;
    case OPTION_HELP:
    case OPTION_VERSION:
        args->help_or_version = option;
        return 0;
    case '?':
        return TOOL_USAGE;
    default:
        return open_args_take(&args->open, option, value);
    }
}

/* Returns 0 or TOOL_USAGE. */
static int check_conflicts(const struct cat_args *args)
{
    const char *uri_file = args->open.uri_file;
    if (!args->writes && args->open.write_flags)
        return tool_usage("Option --exclusive needs --write");
    if (args->writes && uri_file && strcmp(uri_file, "-") == 0)
        return tool_usage("With --write, standard input is the data, so --uri-file cannot read it too");
    return progress_check_options(&args->progress);
}

/* Returns 0 or TOOL_USAGE. */
static int take_command_line(struct cat_args *args, int argc, char **argv)
{
    int status = 0;
    int option;
    while (status == 0 && !args->help_or_version &&
           (option = option_next(argc, argv, short_options, long_options)) != -1)
        status = take_option(args, option, optarg);
    if (status != 0 || args->help_or_version)
        return status;
    status = open_args_check_count(&args->open, argc - optind, NULL);
    if (status == 0)
        status = open_args_check(&args->open);
    return status != 0 ? status : check_conflicts(args);
}

static int open_disk(struct vdisk **disk, const struct cat_args *args, const struct vdisk_uri *uri,
                     struct vdisk_error *err)
{
    struct text_quoted quoted;
    struct vdisk_open_options options = args->open.options;
    const char *snapshot = vdisk_uri_snapshot(uri);
    if (args->writes && snapshot)
        return tool_fail(err, -EROFS, "Snapshot %s cannot be written: snapshots are read-only.",
                         text_quote(&quoted, snapshot));
    options.tuning = VDISK_TUNE_THROUGHPUT;
    options.flags = args->writes ? args->open.write_flags : VDISK_OPEN_READ_ONLY;
    return vdisk_open(disk, uri, &options, err);
}

static int copy(const struct cat_args *args, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    struct progress progress = {.shown = progress_is_wanted(&args->progress)};
    int result = open_disk(&disk, args, uri, err);
    if (result < 0)
        return result;
    result = (args->writes ? cat_write : cat_read)(disk, &args->range, &progress, err);
    return tool_close_disk(disk, result, err);
}

static int run(const struct cat_args *args, const char *argument, struct vdisk_error *err)
{
    struct vdisk_uri *uri;
    if (args->help_or_version == OPTION_HELP)
        return tool_print(help, strlen(help), err);
    if (args->help_or_version == OPTION_VERSION)
        return tool_print_version(err);
    int result = open_args_parse_uri(&uri, &args->open, argument, err);
    if (result == 0)
        result = copy(args, uri, err);
    vdisk_uri_free(uri);
    return result;
}

int main(int argc, char **argv)
{
    struct cat_args args = {.writes = false};
    struct vdisk_error err;
    tool_start("vdisk-cat");
    int result = open_args_init(&args.open, argc, &err);
    int status = result < 0 ? tool_finish(result, &err) : take_command_line(&args, argc, argv);
    if (status == 0)
        status = tool_finish(run(&args, argv[optind], &err), &err);
    open_args_destroy(&args.open);
    return status;
}
