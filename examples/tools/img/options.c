/* SPDX-License-Identifier: MIT */
#include "img/options.h"

#include <string.h>

#include "common/size.h"
#include "common/text.h"
#include "common/tool.h"
#include "img/features.h"

enum {
    OPTION_JSON = OPEN_ARGS_END,
    OPTION_OBJECT_SIZE,
    OPTION_STRIPE_UNIT,
    OPTION_STRIPE_COUNT,
    OPTION_FEATURES,
    OPTION_DATA_POOL,
    OPTION_SHRINK,
    OPTION_FROM,
    OPTION_OWN,
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPTION_JSON},
    {"object-size", required_argument, NULL, OPTION_OBJECT_SIZE},
    {"stripe-unit", required_argument, NULL, OPTION_STRIPE_UNIT},
    {"stripe-count", required_argument, NULL, OPTION_STRIPE_COUNT},
    {"features", required_argument, NULL, OPTION_FEATURES},
    {"data-pool", required_argument, NULL, OPTION_DATA_POOL},
    {"shrink", no_argument, NULL, OPTION_SHRINK},
    {"from", required_argument, NULL, OPTION_FROM},
    {"own", no_argument, NULL, OPTION_OWN},
    {"progress", no_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    OPEN_ARGS_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* The options that not every command takes, each with what a command must take to accept it. */
static const struct {
    int option;
    unsigned int kind;
} kinds[] = {
    {OPTION_JSON, TAKES_JSON},
    {OPTION_OBJECT_SIZE, TAKES_LAYOUT},
    {OPTION_STRIPE_UNIT, TAKES_LAYOUT},
    {OPTION_STRIPE_COUNT, TAKES_LAYOUT},
    {OPTION_FEATURES, TAKES_LAYOUT},
    {OPTION_DATA_POOL, TAKES_LAYOUT},
    {OPTION_SHRINK, TAKES_SHRINK},
    {OPTION_FROM, TAKES_FROM},
    {OPTION_OWN, TAKES_OWN},
    {OPEN_CACHE, TAKES_DISK},
    {OPEN_ENCRYPTION, TAKES_DISK | TAKES_ENCRYPTION},
    {OPEN_PASSPHRASE_FILE, TAKES_DISK | TAKES_ENCRYPTION},
    {OPEN_EXCLUSIVE, TAKES_LOCK},
    {OPEN_BREAK_LOCK, TAKES_LOCK},
    {'p', TAKES_PROGRESS},
    {'q', TAKES_PROGRESS},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static int take_object_size(struct vdisk_create_options *create, const char *value)
{
    int status = option_size(&create->object_size, "Option --object-size", value);
    if (status != 0)
        return status;
    uint64_t size = create->object_size;
    if (size < VDISK_OBJECT_SIZE_MIN || size > VDISK_OBJECT_SIZE_MAX || (size & (size - 1)) != 0)
        return tool_usage("Option --object-size must be a power of two from 4K to 32M");
    return 0;
}

static int take_stripe_count(uint64_t *count, const char *value)
{
    struct text_quoted quoted;
    if (size_parse(count, value) && *count > 0)
        return 0;
    return tool_usage("Option --stripe-count cannot be %s: it must be a number, at least 1",
                      text_quote(&quoted, value));
}

/* Takes an option about the new image. Returns 0, TOOL_USAGE, or -1 if the option is another one. */
static int take_layout_option(struct vdisk_create_options *create, int option, const char *value)
{
    switch (option) {
    case OPTION_OBJECT_SIZE:
        return take_object_size(create, value);
    case OPTION_STRIPE_UNIT:
        return option_size(&create->stripe_unit, "Option --stripe-unit", value);
    case OPTION_STRIPE_COUNT:
        return take_stripe_count(&create->stripe_count, value);
    case OPTION_FEATURES:
        return features_take(&create->features, value);
    case OPTION_DATA_POOL:
        return option_text(&create->data_pool, "Option --data-pool needs the name of a pool", value);
    default:
        return -1;
    }
}

static void note_given(struct img_args *args, int option)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].option == option)
            args->given |= 1u << i;
    }
}

/* Returns 0 or TOOL_USAGE. */
static int take_option(struct img_args *args, int option, char *value)
{
    note_given(args, option);
    switch (option) {
    case OPTION_JSON:
        args->wants_json = true;
        return 0;
    case OPTION_SHRINK:
        args->may_shrink = true;
        return 0;
    case OPTION_FROM:
        return option_text(&args->from, "Option --from needs the name of a snapshot", value);
    case OPTION_OWN:
        args->leaves_out_parent = true;
        return 0;
    case 'p':
        args->progress.wanted = true;
        return 0;
    case 'q':
        args->progress.unwanted = true;
        return 0;
    case '?':
        return TOOL_USAGE;
    default:
        break;
    }
    int status = take_layout_option(&args->create, option, value);
    return status == -1 ? open_args_take(&args->open, option, value) : status;
}

int options_take(struct img_args *args, int *help_or_version, int argc, char **argv)
{
    int status = 0;
    int option;
    while (status == 0 && (option = option_next(argc, argv, ":pq", long_options)) != -1) {
        if (option == OPTION_HELP || option == OPTION_VERSION) {
            *help_or_version = option;
            return 0;
        }
        status = take_option(args, option, optarg);
    }
    if (status == 0)
        status = progress_check_options(&args->progress);
    return status == 0 ? open_args_check(&args->open) : status;
}

static const char *name_of(int option)
{
    const struct option *entry = long_options;
    while (entry->val != option)
        entry++;
    return entry->name;
}

int options_check(const struct img_args *args, const struct img_command *command)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (args->given & 1u << i && (kinds[i].kind & command->takes) == 0)
            return tool_usage("The command %s does not take --%s", command->name, name_of(kinds[i].option));
    }
    return 0;
}
