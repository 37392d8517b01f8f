/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img: look at, create and change images and their snapshots.
 */
#include <string.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/img.h"
#include "img/img_option.h"
#include "img/report.h"

const char tool_name[] = "vdisk-img";

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
                           "SIZE is bytes, or has K, M, G or T after it for powers of 1024.\n"
                           "\n" IMG_OPTION_HELP_TEXT TARGET_HELP_TEXT;

struct img_command {
    const char *name;
    /* NULL: the command is one word. */
    const char *name_2;
    unsigned int takes;
    img_function *run;
};

static const struct img_command commands[] = {
    {"parse", NULL, TAKES_JSON, img_parse},
    {"info", NULL, TAKES_JSON | TAKES_DISK, img_info},
    {"list", NULL, TAKES_POOL | TAKES_JSON, img_list},
    {"create", NULL, TAKES_SIZE | TAKES_LAYOUT | TAKES_ENCRYPTION, img_create},
    {"clone", NULL, TAKES_CLONE | TAKES_LAYOUT, img_clone},
    {"flatten", NULL, TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_flatten},
    {"resize", NULL, TAKES_SIZE | TAKES_SHRINK | TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_resize},
    {"rename", NULL, TAKES_NAME, img_rename},
    {"remove", NULL, TAKES_PROGRESS, img_remove},
    {"map", NULL, TAKES_DISK | TAKES_JSON | TAKES_OWN, img_map},
    {"diff", NULL, TAKES_DISK | TAKES_JSON | TAKES_FROM | TAKES_OWN, img_diff},
    {"snapshot", "list", TAKES_JSON | TAKES_DISK, img_snapshot_list},
    {"snapshot", "create", TAKES_DISK | TAKES_LOCK, img_snapshot_create},
    {"snapshot", "remove", TAKES_DISK | TAKES_LOCK, img_snapshot_remove},
    {"snapshot", "rollback", TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_snapshot_rollback},
    {"snapshot", "protect", TAKES_DISK | TAKES_LOCK, img_snapshot_protect},
    {"snapshot", "unprotect", TAKES_DISK | TAKES_LOCK, img_snapshot_unprotect},
};

static bool is_named(const struct img_command *command, char **names, int count)
{
    if (strcmp(command->name, names[0]) != 0)
        return false;
    return !command->name_2 || (count > 1 && strcmp(command->name_2, names[1]) == 0);
}

/* Finds the command at the start of the arguments and goes past it. */
static int take_command(struct img *img, int *count, char ***arguments)
{
    struct text_quoted quoted;
    if (*count == 0)
        return tool_usage("A command is missing");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (!is_named(&commands[i], *arguments, *count))
            continue;
        int words = commands[i].name_2 ? 2 : 1;
        img->command = &commands[i];
        *count -= words;
        *arguments += words;
        return 0;
    }
    if (strcmp(**arguments, "snapshot") == 0)
        return tool_usage("After snapshot, list, create, remove, rollback, protect or unprotect is expected");
    return tool_usage("There is no command %s", text_quote(&quoted, **arguments));
}

/* What follows the URI, for complaints; NULL if nothing does. */
static const char *second_argument(const struct img_command *command)
{
    return command->takes & TAKES_SIZE    ? "URI SIZE"
           : command->takes & TAKES_NAME  ? "URI NAME"
           : command->takes & TAKES_CLONE ? "URI CLONE-URI"
                                          : NULL;
}

static int take_pool(struct img *img, int count, char **arguments)
{
    if (img->target.uri_file)
        return tool_usage("--uri-file does not go with %s", img->command->name);
    if (count != 1)
        return tool_usage("%s arguments: POOL or POOL/NAMESPACE is expected", count < 1 ? "Missing" : "Too many");
    img->argument = arguments[0];
    return 0;
}

static int take_arguments(struct img *img, int count, char **arguments, const char **uri)
{
    if (img->command->takes & TAKES_POOL)
        return take_pool(img, count, arguments);
    const char *what = second_argument(img->command);
    int status = target_check_arguments(&img->target, count, what ? 1 : 0, what ? what : "URI");
    if (status != 0)
        return status;
    *uri = arguments[0];
    img->argument = arguments[count - 1];
    return img->command->takes & TAKES_SIZE ? tool_size(&img->size, "SIZE", img->argument) : 0;
}

/* Sets *uri to the argument that is one, or *question to TOOL_HELP or TOOL_VERSION. */
static int take_command_line(struct img *img, int *question, int argc, char **argv, const char **uri)
{
    int status = img_take_options(img, question, argc, argv);
    if (status != 0 || *question)
        return status;

    int count = argc - optind;
    char **arguments = argv + optind;
    status = take_command(img, &count, &arguments);
    if (status == 0)
        status = img_check_options(img, img->command->takes, img->command->name);
    return status == 0 ? take_arguments(img, count, arguments, uri) : status;
}

static int run_command(struct img *img, struct vdisk_error *err)
{
    struct report report;
    int result = report_open(&report, err);
    if (result < 0)
        return result;
    img->out = report.stream;
    return report_finish(&report, img->command->run(img, err), err);
}

static int run(struct img *img, int question, const char *uri, struct vdisk_error *err)
{
    int result = 0;
    if (question)
        return tool_answer(question, help, err);
    if (!(img->command->takes & TAKES_POOL))
        result = target_parse(&img->uri, &img->target, uri, err);
    if (result == 0)
        result = run_command(img, err);
    vdisk_uri_free(img->uri);
    return result;
}

int main(int argc, char **argv)
{
    struct img img = {.uri = NULL};
    struct vdisk_error err;
    const char *uri = NULL;
    int question = 0;
    tool_start();
    vdisk_create_options_init(&img.create, sizeof img.create);
    int result = target_init(&img.target, argc, &err);
    int status = result < 0 ? tool_finish(result, &err) : take_command_line(&img, &question, argc, argv, &uri);
    if (status == 0)
        status = tool_finish(run(&img, question, uri, &err), &err);
    target_release(&img.target);
    return status;
}
