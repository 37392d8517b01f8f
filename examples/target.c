/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "tool.h"
#include "uri_file.h"

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

static int take_policy(struct target *target, const char *name)
{
    static const struct {
        const char *name;
        enum vdisk_uri_policy policy;
    } policies[] = {{"guarded", VDISK_URI_GUARDED}, {"strict", VDISK_URI_STRICT}, {"any", VDISK_URI_ANY}};
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (strcmp(policies[i].name, name) == 0) {
            target->open.uri_policy = policies[i].policy;
            return 0;
        }
    }
    return tool_usage("Option --uri-policy needs guarded, strict or any");
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
    default:
        return tool_usage("An option is unknown");
    }
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
