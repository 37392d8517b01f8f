/* SPDX-License-Identifier: MIT */
#include "common/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "common/tool.h"
#include "common/uri_file.h"

int target_init(struct target *target, int argc, struct vdisk_error *err)
{
    *target = (struct target){0};
    vdisk_open_options_init(&target->open, sizeof target->open);
    target->options = calloc((size_t)argc, sizeof *target->options);
    target->open.options = target->options;
    return target->options ? 0 : tool_fail(err, -ENOMEM, "Out of memory.");
}

void target_release(struct target *target)
{
    free(target->options);
}

static int add_option(struct target *target, const char *key, const char *value)
{
    target->options[target->open.option_count++] = (struct vdisk_option){.key = key, .value = value};
    return 0;
}

/* The value can be a secret, so no complaint may repeat it. */
static int take_option(struct target *target, char *pair)
{
    char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        return tool_usage("Option --option needs KEY=VALUE");
    *equals = '\0';
    /* These two are libvdisk's own; Ceph has no such options. */
    if (strcmp(pair, "id") == 0 || strcmp(pair, "conf") == 0)
        return tool_usage("Option --option cannot set %s; use --%s", pair, pair);
    return add_option(target, pair, equals + 1);
}

/* A word for a number; the last has none. */
struct choice {
    const char *word;
    uint32_t number;
};

static int choose(uint32_t *number, const struct choice *choices, const char *word, const char *complaint)
{
    for (; choices->word; choices++) {
        if (strcmp(choices->word, word) == 0) {
            *number = choices->number;
            return 0;
        }
    }
    return tool_usage("%s", complaint);
}

static int take_policy(struct target *target, const char *word)
{
    static const struct choice policies[] = {
        {"guarded", VDISK_URI_GUARDED}, {"strict", VDISK_URI_STRICT}, {"any", VDISK_URI_ANY}, {NULL, 0}};
    return choose(&target->open.uri_policy, policies, word, "Option --uri-policy needs guarded, strict or any");
}

static int take_cache(struct target *target, const char *word)
{
    static const struct choice modes[] = {{"default", VDISK_CACHE_DEFAULT},
                                          {"none", VDISK_CACHE_NONE},
                                          {"write-through", VDISK_CACHE_WRITE_THROUGH},
                                          {"write-back", VDISK_CACHE_WRITE_BACK},
                                          {NULL, 0}};
    return choose(&target->open.cache_mode, modes, word,
                  "Option --cache needs default, none, write-through or write-back");
}

static int take_encryption(struct target *target, const char *word)
{
    static const struct choice formats[] = {
        {"luks1", VDISK_ENCRYPTION_LUKS1}, {"luks2", VDISK_ENCRYPTION_LUKS2}, {NULL, 0}};
    return choose(&target->open.encryption, formats, word, "Option --encryption needs luks1 or luks2");
}

static int take_name(const char **name, const char *value, const char *option)
{
    if (value[0] == '\0')
        return tool_usage("Option %s needs a value that is not empty", option);
    *name = value;
    return 0;
}

int target_take(struct target *target, int option, char *value)
{
    switch (option) {
    case TARGET_CONF:
        return take_name(&target->open.conf, value, "--conf");
    case TARGET_ID:
        return take_name(&target->open.id, value, "--id");
    case TARGET_KEYRING:
        return add_option(target, "keyring", value);
    case TARGET_OPTION:
        return take_option(target, value);
    case TARGET_URI_FILE:
        return take_name(&target->uri_file, value, "--uri-file");
    case TARGET_URI_POLICY:
        return take_policy(target, value);
    case TARGET_CACHE:
        return take_cache(target, value);
    case TARGET_ENCRYPTION:
        return take_encryption(target, value);
    case TARGET_PASSPHRASE_FILE:
        return take_name(&target->open.passphrase_file, value, "--passphrase-file");
    case TARGET_EXCLUSIVE:
        target->change_flags |= VDISK_OPEN_EXCLUSIVE;
        return 0;
    case TARGET_BREAK_LOCK:
        target->change_flags |= VDISK_OPEN_BREAK_LOCK;
        return 0;
    default:
        return tool_usage("An option is unknown");
    }
}

int target_check(struct target *target)
{
    if (target->change_flags == VDISK_OPEN_BREAK_LOCK)
        return tool_usage("--break-lock goes with --exclusive only");
    if (target->open.encryption && !target->open.passphrase_file)
        return tool_usage("--encryption needs a --passphrase-file");
    if (target->open.passphrase_file && !target->open.encryption)
        target->open.encryption = VDISK_ENCRYPTION_LUKS;
    return 0;
}

int target_check_arguments(const struct target *target, int argument_count, int count, const char *what)
{
    int expected = target->uri_file ? count : count + 1;
    if (argument_count == expected)
        return 0;
    if (target->uri_file && argument_count == count + 1)
        return tool_usage("Give the URI or --uri-file, not both");
    return tool_usage("%s arguments: %s is expected%s", argument_count < expected ? "Missing" : "Too many", what,
                      target->uri_file ? ", without URI because of --uri-file" : "");
}

int target_parse(struct vdisk_uri **uri, const struct target *target, const char *argument, struct vdisk_error *err)
{
    char *line = NULL;
    *uri = NULL;
    if (!target->uri_file)
        return vdisk_uri_parse(uri, argument, err);
    int result = uri_file_read(&line, target->uri_file, err);
    if (result == 0)
        result = vdisk_uri_parse(uri, line, err);
    free(line);
    return result;
}
