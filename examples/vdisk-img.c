/* SPDX-License-Identifier: MIT */
/*
 * vdisk-img: look at, create and change images and their snapshots.
 */
#include <string.h>

#include "img.h"
#include "report.h"
#include "text.h"
#include "tool.h"

const char tool_name[] = "vdisk-img";

static const char help[] = "Usage: vdisk-img [options] parse URI\n"
                           "       vdisk-img [options] info URI\n"
                           "       vdisk-img [options] create URI SIZE [--object-size SIZE]\n"
                           "       vdisk-img [options] resize URI SIZE [--shrink]\n"
                           "       vdisk-img [options] map URI [--own]\n"
                           "       vdisk-img [options] diff URI [--from SNAPSHOT] [--own]\n"
                           "       vdisk-img [options] snapshot list URI\n"
                           "       vdisk-img [options] snapshot create|remove|rollback|protect|unprotect URI\n"
                           "\n"
                           "URI is rbd:POOL/[NAMESPACE/]IMAGE[@SNAPSHOT][:KEY=VALUE]...\n"
                           "SIZE is bytes, or has K, M, G or T after it for powers of 1024.\n"
                           "\n"
                           "      --json                 print JSON (parse, info, map, diff, snapshot list)\n"
                           "      --object-size SIZE     size of the objects the new image is cut into\n"
                           "      --from SNAPSHOT        the changes since then; without it, all there is\n"
                           "      --own                  leave out the data that a clone has from its parent\n"
                           "      --shrink               allow resize to make the image smaller\n" TARGET_HELP_TEXT;

enum { OPTION_JSON = TARGET_OPTION_END, OPTION_OBJECT_SIZE, OPTION_SHRINK, OPTION_FROM, OPTION_OWN };

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"object-size", required_argument, NULL, OPTION_OBJECT_SIZE},
    {"shrink", no_argument, NULL, OPTION_SHRINK},
    {"from", required_argument, NULL, OPTION_FROM},
    {"own", no_argument, NULL, OPTION_OWN},
    TARGET_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* What a command takes besides the URI. */
enum {
    TAKES_JSON = 1 << 0,
    TAKES_OBJECT_SIZE = 1 << 1,
    TAKES_SHRINK = 1 << 2,
    TAKES_SIZE = 1 << 3,
    TAKES_FROM = 1 << 4,
    TAKES_OWN = 1 << 5,
};

struct img_command {
    const char *name;
    /* NULL: the command is one word. */
    const char *name_2;
    unsigned int takes;
    img_function *run;
};

static const struct img_command commands[] = {
    {"parse", NULL, TAKES_JSON, img_parse},
    {"info", NULL, TAKES_JSON, img_info},
    {"create", NULL, TAKES_SIZE | TAKES_OBJECT_SIZE, img_create},
    {"resize", NULL, TAKES_SIZE | TAKES_SHRINK, img_resize},
    {"map", NULL, TAKES_JSON | TAKES_OWN, img_map},
    {"diff", NULL, TAKES_JSON | TAKES_FROM | TAKES_OWN, img_diff},
    {"snapshot", "list", TAKES_JSON, img_snapshot_list},
    {"snapshot", "create", 0, img_snapshot_create},
    {"snapshot", "remove", 0, img_snapshot_remove},
    {"snapshot", "rollback", 0, img_snapshot_rollback},
    {"snapshot", "protect", 0, img_snapshot_protect},
    {"snapshot", "unprotect", 0, img_snapshot_unprotect},
};

/* The command line, as far as it is not in struct img. */
struct line {
    struct img img;
    /* TAKES_... of the options given. */
    unsigned int given;
    /* TOOL_HELP, TOOL_VERSION, or 0 to run a command. */
    int question;
};

static int take_object_size(struct img *img, const char *value)
{
    int status = tool_size(&img->object_size, "--object-size", value);
    if (status != 0)
        return status;
    uint64_t size = img->object_size;
    if (size < VDISK_OBJECT_SIZE_MIN || size > VDISK_OBJECT_SIZE_MAX || (size & (size - 1)) != 0)
        return tool_usage("--object-size needs a power of two from 4K to 32M");
    return 0;
}

static int take_from(struct img *img, const char *value)
{
    if (!value[0])
        return tool_usage("--from needs the name of a snapshot");
    img->from = value;
    return 0;
}

/* Returns 0 or TOOL_USAGE. */
static int take_option(struct line *line, int option, char *value)
{
    switch (option) {
    case OPTION_JSON:
        line->given |= TAKES_JSON;
        line->img.wants_json = true;
        return 0;
    case OPTION_OBJECT_SIZE:
        line->given |= TAKES_OBJECT_SIZE;
        return take_object_size(&line->img, value);
    case OPTION_SHRINK:
        line->given |= TAKES_SHRINK;
        line->img.may_shrink = true;
        return 0;
    case OPTION_FROM:
        line->given |= TAKES_FROM;
        return take_from(&line->img, value);
    case OPTION_OWN:
        line->given |= TAKES_OWN;
        line->img.leaves_out_parent = true;
        return 0;
    case TOOL_HELP:
    case TOOL_VERSION:
        line->question = option;
        return 0;
    case '?':
        return TOOL_USAGE;
    default:
        return target_take(&line->img.target, option, value);
    }
}

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

static int check_options(const struct line *line)
{
    unsigned int excess = line->given & ~line->img.command->takes;
    if (excess == 0)
        return 0;
    return tool_usage("%s does not go with %s",
                      excess & TAKES_JSON     ? "--json"
                      : excess & TAKES_FROM   ? "--from"
                      : excess & TAKES_OWN    ? "--own"
                      : excess & TAKES_SHRINK ? "--shrink"
                                              : "--object-size",
                      line->img.command->name);
}

static int take_options(struct line *line, int argc, char **argv)
{
    int status = 0;
    int option;
    while (status == 0 && !line->question && (option = tool_getopt(argc, argv, ":", long_options)) != -1)
        status = take_option(line, option, optarg);
    return status;
}

/* Sets *uri to the argument that is one. */
static int take_command_line(struct line *line, int argc, char **argv, const char **uri)
{
    struct img *img = &line->img;
    int status = take_options(line, argc, argv);
    if (status != 0 || line->question)
        return status;

    int count = argc - optind;
    char **arguments = argv + optind;
    status = take_command(img, &count, &arguments);
    if (status == 0)
        status = check_options(line);
    if (status != 0)
        return status;

    bool takes_size = img->command->takes & TAKES_SIZE;
    status = target_check_arguments(&img->target, count, takes_size ? 1 : 0, takes_size ? "URI SIZE" : "URI");
    if (status != 0)
        return status;
    *uri = arguments[0];
    return takes_size ? tool_size(&img->size, "SIZE", arguments[count - 1]) : 0;
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

static int run(struct line *line, const char *uri, struct vdisk_error *err)
{
    struct img *img = &line->img;
    if (line->question)
        return tool_answer(line->question, help, err);
    int result = target_parse(&img->uri, &img->target, uri, err);
    if (result == 0)
        result = run_command(img, err);
    vdisk_uri_free(img->uri);
    return result;
}

int main(int argc, char **argv)
{
    struct line line = {.given = 0};
    struct vdisk_error err;
    const char *uri = NULL;
    tool_start();
    int result = target_init(&line.img.target, argc, &err);
    int status = result < 0 ? tool_finish(result, &err) : take_command_line(&line, argc, argv, &uri);
    if (status == 0)
        status = tool_finish(run(&line, uri, &err), &err);
    target_release(&line.img.target);
    return status;
}
