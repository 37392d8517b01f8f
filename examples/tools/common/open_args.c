/* SPDX-License-Identifier: MIT */
#include "common/open_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/tool.h"
#include "common/uri_file.h"

int open_args_init(struct open_args *args, int argc, struct vdisk_error *err)
{
    *args = (struct open_args){0};
    vdisk_open_options_init(&args->options, sizeof args->options);
    args->ceph_options = calloc((size_t)argc, sizeof *args->ceph_options);
    args->options.options = args->ceph_options;
    return args->ceph_options ? 0 : tool_fail(err, -ENOMEM, "There is no memory for the options.");
}

void open_args_destroy(struct open_args *args)
{
    free(args->ceph_options);
}

static int add_ceph_option(struct open_args *args, const char *key, const char *value)
{
    args->ceph_options[args->options.option_count++] = (struct vdisk_option){.key = key, .value = value};
    return 0;
}

/* The value can be a secret, so no message may repeat it. */
static int take_ceph_option(struct open_args *args, char *pair)
{
    char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        return tool_usage("Option --option needs KEY=VALUE");
    *equals = '\0';
    /* These two belong to libvdisk; Ceph has no such options. */
    if (strcmp(pair, "id") == 0 || strcmp(pair, "conf") == 0)
        return tool_usage("Option --option cannot set %s: use --%s", pair, pair);
    return add_ceph_option(args, pair, equals + 1);
}

static int take_policy(struct open_args *args, const char *value)
{
    static const struct option_word policies[] = {
        {"guarded", VDISK_URI_GUARDED}, {"strict", VDISK_URI_STRICT}, {"any", VDISK_URI_ANY}, {NULL, 0}};
    return option_choose(&args->options.uri_policy, policies, "Option --uri-policy needs guarded, strict or any",
                         value);
}

static int take_cache(struct open_args *args, const char *value)
{
    static const struct option_word modes[] = {{"default", VDISK_CACHE_DEFAULT},
                                               {"none", VDISK_CACHE_NONE},
                                               {"write-through", VDISK_CACHE_WRITE_THROUGH},
                                               {"write-back", VDISK_CACHE_WRITE_BACK},
                                               {NULL, 0}};
    return option_choose(&args->options.cache_mode, modes,
                         "Option --cache needs default, none, write-through or write-back", value);
}

static int take_encryption(struct open_args *args, const char *value)
{
    static const struct option_word formats[] = {
        {"luks1", VDISK_ENCRYPTION_LUKS1}, {"luks2", VDISK_ENCRYPTION_LUKS2}, {NULL, 0}};
    return option_choose(&args->options.encryption, formats, "Option --encryption needs luks1 or luks2", value);
}

int open_args_take(struct open_args *args, int option, char *value)
{
    switch (option) {
    case OPEN_CONF:
        return option_text(&args->options.conf, "Option --conf needs the name of a file", value);
    case OPEN_ID:
        return option_text(&args->options.id, "Option --id needs the name of a Ceph user", value);
    case OPEN_KEYRING:
        return add_ceph_option(args, "keyring", value);
    case OPEN_OPTION:
        return take_ceph_option(args, value);
    case OPEN_URI_FILE:
        return option_text(&args->uri_file, "Option --uri-file needs the name of a file", value);
    case OPEN_URI_POLICY:
        return take_policy(args, value);
    case OPEN_CACHE:
        return take_cache(args, value);
    case OPEN_ENCRYPTION:
        return take_encryption(args, value);
    case OPEN_PASSPHRASE_FILE:
        return option_text(&args->options.passphrase_file, "Option --passphrase-file needs the name of a file", value);
    case OPEN_EXCLUSIVE:
        args->write_flags |= VDISK_OPEN_EXCLUSIVE;
        return 0;
    case OPEN_BREAK_LOCK:
        args->write_flags |= VDISK_OPEN_BREAK_LOCK;
        return 0;
    default:
        return tool_usage("An option is unknown");
    }
}

int open_args_check(struct open_args *args)
{
    if (args->write_flags == VDISK_OPEN_BREAK_LOCK)
        return tool_usage("Option --break-lock needs --exclusive");
    if (args->options.encryption && !args->options.passphrase_file)
        return tool_usage("Option --encryption needs --passphrase-file");
    if (args->options.passphrase_file && !args->options.encryption)
        args->options.encryption = VDISK_ENCRYPTION_LUKS;
    return 0;
}

int open_args_check_count(const struct open_args *args, int argument_count, const char *second)
{
    int expected = (args->uri_file ? 0 : 1) + (second ? 1 : 0);
    if (argument_count == expected)
        return 0;
    if (args->uri_file && argument_count == expected + 1)
        return tool_usage("Give either the URI or --uri-file, not both");
    const char *amount = argument_count < expected ? "few" : "many";
    if (args->uri_file)
        return tool_usage("There are too %s arguments: %s is expected, because --uri-file gives the URI", amount,
                          second ? second : "no argument");
    return tool_usage("There are too %s arguments: URI%s%s is expected", amount, second ? " " : "",
                      second ? second : "");
}

int open_args_parse_uri(struct vdisk_uri **uri, const struct open_args *args, const char *argument,
                        struct vdisk_error *err)
{
    char *line = NULL;
    *uri = NULL;
    if (!args->uri_file)
        return vdisk_uri_parse(uri, argument, err);
    int result = uri_file_read(&line, args->uri_file, err);
    if (result == 0)
        result = vdisk_uri_parse(uri, line, err);
    free(line);
    return result;
}
