/* SPDX-License-Identifier: MIT */
/*
 * vdisk-cat: an image to standard output, or standard input to an image.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cat/cat.h"
#include "common/target.h"
#include "common/text.h"
#include "common/tool.h"

const char tool_name[] = "vdisk-cat";

static const char help[] = "Usage: vdisk-cat [options] URI       image to standard output\n"
                           "       vdisk-cat -w [options] URI    standard input to image\n"
                           "\n"
                           "URI is rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...\n"
                           "SIZE is bytes, or has K, M, G or T after it for powers of 1024.\n"
                           "\n"
                           "  -w, --write                write to the image\n"
                           "  -o, --offset SIZE          where in the image to start (default: 0)\n"
                           "  -n, --length SIZE          copy at most that much (default: to the end)\n"
                           "  -p, --progress             show progress even if standard error is no terminal\n"
                           "  -q, --quiet                show no progress\n" TARGET_HELP_TEXT;

static const char short_options[] = ":wo:n:pq";
static const struct option long_options[] = {
    {"write", no_argument, NULL, 'w'},
    {"offset", required_argument, NULL, 'o'},
    {"length", required_argument, NULL, 'n'},
    {"progress", no_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    TARGET_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

struct command {
    struct target target;
    struct cat_range range;
    bool writes;
    bool wants_progress;
    bool is_quiet;
    /* TOOL_HELP, TOOL_VERSION, or 0 to copy. */
    int question;
};

/* Returns 0 or TOOL_USAGE. */
static int take_option(struct command *command, int option, char *value)
{
    switch (option) {
    case 'w':
        command->writes = true;
        return 0;
    case 'o':
        return tool_size(&command->range.offset, "--offset", value);
    case 'n':
        command->range.has_length = true;
        return tool_size(&command->range.length, "--length", value);
    case 'p':
        command->wants_progress = true;
        return 0;
    case 'q':
        command->is_quiet = true;
        return 0;
    case TOOL_HELP:
    case TOOL_VERSION:
        command->question = option;
        return 0;
    case '?':
        return TOOL_USAGE;
    default:
        return target_take(&command->target, option, value);
    }
}

static int check_conflicts(const struct command *command)
{
    const char *uri_file = command->target.uri_file;
    if (command->wants_progress && command->is_quiet)
        return tool_usage("--progress and --quiet contradict each other");
    if (!command->writes && command->target.change_flags)
        return tool_usage("--exclusive goes with --write only");
    if (command->writes && uri_file && strcmp(uri_file, "-") == 0)
        return tool_usage("With --write, standard input cannot also be the --uri-file");
    return 0;
}

static int take_arguments(struct command *command, int argc, char **argv)
{
    int status = 0;
    int option;
    while (status == 0 && !command->question && (option = tool_getopt(argc, argv, short_options, long_options)) != -1)
        status = take_option(command, option, optarg);
    if (status != 0 || command->question)
        return status;
    status = target_check_arguments(&command->target, argc - optind, 0, "URI");
    if (status == 0)
        status = target_check(&command->target);
    return status != 0 ? status : check_conflicts(command);
}

static int open_disk(struct vdisk **disk, struct command *command, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct text_quoted quoted;
    if (command->writes && vdisk_uri_snapshot(uri))
        return tool_fail(err, -EROFS, "Snapshot %s cannot be written: snapshots are read-only.",
                         text_quote(&quoted, vdisk_uri_snapshot(uri)));
    command->target.open.tuning = VDISK_TUNE_THROUGHPUT;
    command->target.open.flags = command->writes ? command->target.change_flags : VDISK_OPEN_READ_ONLY;
    return vdisk_open(disk, uri, &command->target.open, err);
}

static int copy(struct command *command, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct vdisk *disk = NULL;
    struct progress progress = {.shown = command->wants_progress || (!command->is_quiet && isatty(STDERR_FILENO))};
    int result = open_disk(&disk, command, uri, err);
    if (result < 0)
        return result;
    result = (command->writes ? cat_write : cat_read)(disk, &command->range, &progress, err);
    /* The first failure is the one to tell. */
    int closed = vdisk_close(disk, result < 0 ? NULL : err);
    return result < 0 ? result : closed;
}

static int run(struct command *command, const char *argument, struct vdisk_error *err)
{
    struct vdisk_uri *uri;
    if (command->question)
        return tool_answer(command->question, help, err);
    int result = target_parse(&uri, &command->target, argument, err);
    if (result == 0)
        result = copy(command, uri, err);
    vdisk_uri_free(uri);
    return result;
}

int main(int argc, char **argv)
{
    struct command command = {.question = 0};
    struct vdisk_error err;
    tool_start();
    int result = target_init(&command.target, argc, &err);
    int status = result < 0 ? tool_finish(result, &err) : take_arguments(&command, argc, argv);
    if (status == 0)
        status = tool_finish(run(&command, argv[optind], &err), &err);
    target_release(&command.target);
    return status;
}
