/* SPDX-License-Identifier: MIT */
#include "img/img_option.h"

#include <string.h>
#include <unistd.h>

#include "common/size.h"
#include "common/text.h"
#include "common/tool.h"

enum {
    OPTION_JSON = TARGET_OPTION_END,
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
    TARGET_LONG_OPTIONS,
    {NULL, 0, NULL, 0},
};

/* What a command has to take for an option to make sense. */
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
    {TARGET_CACHE, TAKES_DISK},
    {TARGET_ENCRYPTION, TAKES_DISK | TAKES_ENCRYPTION},
    {TARGET_PASSPHRASE_FILE, TAKES_DISK | TAKES_ENCRYPTION},
    {TARGET_EXCLUSIVE, TAKES_LOCK},
    {TARGET_BREAK_LOCK, TAKES_LOCK},
    {'p', TAKES_PROGRESS},
    {'q', TAKES_PROGRESS},
};

enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

static int take_object_size(struct vdisk_create_options *create, const char *value)
{
    int status = tool_size(&create->object_size, "--object-size", value);
    if (status != 0)
        return status;
    uint64_t size = create->object_size;
    if (size < VDISK_OBJECT_SIZE_MIN || size > VDISK_OBJECT_SIZE_MAX || (size & (size - 1)) != 0)
        return tool_usage("--object-size needs a power of two from 4K to 32M");
    return 0;
}

static int take_count(uint64_t *count, const char *option, const char *value)
{
    struct text_quoted quoted;
    if (size_parse(count, value) && *count > 0)
        return 0;
    return tool_usage("%s must be a number from 1 on, and not %s", option, text_quote(&quoted, value));
}

static int take_text(const char **text, const char *what, const char *value)
{
    if (!value[0])
        return tool_usage("%s", what);
    *text = value;
    return 0;
}

/* Of `length` bytes. 0: there is none of that name. */
static uint64_t find_feature(const char *name, size_t length)
{
    static const struct {
        const char *name;
        uint64_t feature;
    } features[] = {
        {"none", VDISK_FEATURES_NONE},
        {"layering", VDISK_FEATURE_LAYERING},
        {"exclusive-lock", VDISK_FEATURE_EXCLUSIVE_LOCK},
        {"object-map", VDISK_FEATURE_OBJECT_MAP},
        {"fast-diff", VDISK_FEATURE_FAST_DIFF},
        {"deep-flatten", VDISK_FEATURE_DEEP_FLATTEN},
        {"journaling", VDISK_FEATURE_JOURNALING},
    };
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++) {
        if (strlen(features[i].name) == length && memcmp(features[i].name, name, length) == 0)
            return features[i].feature;
    }
    return 0;
}

static int take_features(uint64_t *features, const char *value)
{
    struct text_quoted quoted;
    const char *name = value;
    for (*features = 0;; name++) {
        size_t length = strcspn(name, ",");
        uint64_t feature = find_feature(name, length);
        if (feature == 0)
            return tool_usage("--features knows layering, exclusive-lock, object-map, fast-diff, deep-flatten, "
                              "journaling and none, with commas between them, and not %s",
                              text_quote(&quoted, name));
        *features |= feature;
        name += length;
        if (!*name)
            break;
    }
    if (*features & VDISK_FEATURES_NONE && *features != VDISK_FEATURES_NONE)
        return tool_usage("In --features, none goes with nothing else");
    return 0;
}

/* Of the new image. Returns -1 if it is none of these options. */
static int take_layout_option(struct vdisk_create_options *create, int option, const char *value)
{
    switch (option) {
    case OPTION_OBJECT_SIZE:
        return take_object_size(create, value);
    case OPTION_STRIPE_UNIT:
        return tool_size(&create->stripe_unit, "--stripe-unit", value);
    case OPTION_STRIPE_COUNT:
        return take_count(&create->stripe_count, "--stripe-count", value);
    case OPTION_FEATURES:
        return take_features(&create->features, value);
    case OPTION_DATA_POOL:
        return take_text(&create->data_pool, "--data-pool needs the name of a pool", value);
    default:
        return -1;
    }
}

static void note_given(struct img *img, int option)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].option == option)
            img->given |= 1u << i;
    }
}

/* Returns 0 or TOOL_USAGE. */
static int take_option(struct img *img, int option, char *value)
{
    note_given(img, option);
    switch (option) {
    case OPTION_JSON:
        img->wants_json = true;
        return 0;
    case OPTION_SHRINK:
        img->may_shrink = true;
        return 0;
    case OPTION_FROM:
        return take_text(&img->from, "--from needs the name of a snapshot", value);
    case OPTION_OWN:
        img->leaves_out_parent = true;
        return 0;
    case 'p':
        img->wants_progress = true;
        return 0;
    case 'q':
        img->is_quiet = true;
        return 0;
    case '?':
        return TOOL_USAGE;
    default:
        break;
    }
    int status = take_layout_option(&img->create, option, value);
    return status == -1 ? target_take(&img->target, option, value) : status;
}

int img_take_options(struct img *img, int *question, int argc, char **argv)
{
    int status = 0;
    int option;
    while (status == 0 && (option = tool_getopt(argc, argv, ":pq", long_options)) != -1) {
        if (option == TOOL_HELP || option == TOOL_VERSION) {
            *question = option;
            return 0;
        }
        status = take_option(img, option, optarg);
    }
    if (status == 0 && img->wants_progress && img->is_quiet)
        return tool_usage("--progress and --quiet contradict each other");
    return status == 0 ? target_check(&img->target) : status;
}

static const char *name_of(int option)
{
    const struct option *entry = long_options;
    while (entry->val != option)
        entry++;
    return entry->name;
}

int img_check_options(const struct img *img, unsigned int takes, const char *command)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (img->given & 1u << i && (kinds[i].kind & takes) == 0)
            return tool_usage("--%s does not go with %s", name_of(kinds[i].option), command);
    }
    return 0;
}
