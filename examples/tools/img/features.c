/* SPDX-License-Identifier: MIT */
#include "img/features.h"

#include <stddef.h>
#include <string.h>

#include <vdisk/vdisk.h>

#include "common/text.h"
#include "common/tool.h"

/* `name` has `length` bytes. Returns 0 if no feature has that name. */
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

int features_take(uint64_t *features, const char *value)
{
    struct text_quoted quoted;
    const char *name = value;
    for (*features = 0;; name++) {
        size_t length = strcspn(name, ",");
        uint64_t feature = find_feature(name, length);
        if (feature == 0)
            return tool_usage("Option --features cannot contain %s: it takes layering, exclusive-lock, object-map, "
                              "fast-diff, deep-flatten and journaling, separated by commas, or none",
                              text_quote_part(&quoted, name, length));
        *features |= feature;
        name += length;
        if (!*name)
            break;
    }
    if (*features & VDISK_FEATURES_NONE && *features != VDISK_FEATURES_NONE)
        return tool_usage("Option --features cannot combine none with features");
    return 0;
}
