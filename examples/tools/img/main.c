/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img: inspects, creates and changes images and their snapshots.
 */
#include <string.h>

#include "common/open_args.h"
#include "common/option.h"
#include "common/tool.h"
#include "img/args.h"
#include "img/command.h"
#include "img/options.h"
#include "img/report.h"

static const char help[] = "Usage: vdisk-img [options] parse URI\n"
                           "       vdisk-img [options] info URI\n"
                           "       vdisk-img [options] list POOL[/NAMESPACE]\n"
                           "       vdisk-img [options] create URI SIZE\n"
                           "       vdisk-img [options] clone URI@SNAPSHOT CLONE-URI\n"
                           "       vdisk-img [options] flatten URI\n"
                           "       vdisk-img [options] resize URI SIZE [--shrink]\n"
                           "       vdisk-img [options] rename URI NAME\n"
                           "       vdisk-img [options] remove URI\n"
                           "       vdisk-img [options] map URI [--own]\n"
                           "       vdisk-img [options] diff URI [--from SNAPSHOT] [--own]\n"
                           "       vdisk-img [options] snapshot list URI\n"
                           "       vdisk-img [options] snapshot create|remove|rollback|protect|unprotect URI\n"
                           "\n"
                           "URI is rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...\n"
                           "SIZE is a number of bytes, or a number with the suffix K, M, G or T (powers of 1024).\n"
                           "\n" IMG_OPTIONS_HELP OPEN_ARGS_HELP;

/* The command line. */
struct command_line {
    struct img_args args;
    /* NULL if only help or the version is asked for. */
    const struct img_command *command;
    /* The argument that is a URI. It has no meaning with --uri-file. */
    const char *uri;
    /* OPTION_HELP or OPTION_VERSION, or 0 to run the command. */
    int help_or_version;
};

/* The name of the argument after the URI, or NULL. */
static const char *second_argument(const struct img_command *command)
{
    return command->takes & TAKES_SIZE    ? "SIZE"
           : command->takes & TAKES_NAME  ? "NAME"
           : command->takes & TAKES_CLONE ? "CLONE-URI"
                                          : NULL;
}

static int take_pool(struct command_line *line, int count, char **arguments)
{
    if (line->args.open.uri_file)
        return tool_usage("The command %s does not take --uri-file", line->command->name);
    if (count != 1)
        return tool_usage("There are too %s arguments: POOL or POOL/NAMESPACE is expected", count < 1 ? "few" : "many");
    line->args.argument = arguments[0];
    return 0;
}

static int take_arguments(struct command_line *line, int count, char **arguments)
{
    if (line->command->takes & TAKES_POOL)
        return take_pool(line, count, arguments);
    int status = open_args_check_count(&line->args.open, count, second_argument(line->command));
    if (status != 0)
        return status;
    line->uri = arguments[0];
    line->args.argument = arguments[count - 1];
    return line->command->takes & TAKES_SIZE ? option_size(&line->args.size, "Argument SIZE", line->args.argument) : 0;
}

/* Returns 0 or TOOL_USAGE. */
static int take_command_line(struct command_line *line, int argc, char **argv)
{
    int status = options_take(&line->args, &line->help_or_version, argc, argv);
    if (status != 0 || line->help_or_version)
        return status;

    int count = argc - optind;
    char **arguments = argv + optind;
    status = command_find(&line->command, &count, &arguments);
    if (status == 0)
        status = options_check(&line->args, line->command);
    return status == 0 ? take_arguments(line, count, arguments) : status;
}

static int run_command(struct command_line *line, struct vdisk_error *err)
{
    struct report report;
    int result = report_open(&report, err);
    if (result < 0)
        return result;
    line->args.out = report.stream;
    return report_finish(&report, line->command->run(&line->args, err), err);
}

static int run(struct command_line *line, struct vdisk_error *err)
{
    int result = 0;
    if (line->help_or_version == OPTION_HELP)
        return tool_print(help, strlen(help), err);
    if (line->help_or_version == OPTION_VERSION)
        return tool_print_version(err);
    if (!(line->command->takes & TAKES_POOL))
        result = open_args_parse_uri(&line->args.uri, &line->args.open, line->uri, err);
    if (result == 0)
        result = run_command(line, err);
    vdisk_uri_free(line->args.uri);
    return result;
}

int main(int argc, char **argv)
{
    struct command_line line = {.command = NULL};
    struct vdisk_error err;
    tool_start("vdisk-img");
    vdisk_create_options_init(&line.args.create, sizeof line.args.create);
    int result = open_args_init(&line.args.open, argc, &err);
    int status = result < 0 ? tool_finish(result, &err) : take_command_line(&line, argc, argv);
    if (status == 0)
        status = tool_finish(run(&line, &err), &err);
    open_args_destroy(&line.args.open);
    return status;
}
