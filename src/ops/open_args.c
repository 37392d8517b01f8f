/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/open_args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ops/open_options.h"
#include "uri/uri.h"

static int copy_string(char **copy, const char *string)
{
    if (!string)
        return 0;
    *copy = strdup(string);
    return *copy ? 0 : -ENOMEM;
}

static int copy_own_options(struct vd_open_args *args, const struct vdisk_open_options *from)
{
    int r = 0;

    if (from->option_count == 0)
        return 0;
    args->own_options = calloc(from->option_count, sizeof *args->own_options);
    if (!args->own_options)
        return -ENOMEM;
    args->options.option_count = from->option_count;
    for (size_t i = 0; r == 0 && i < from->option_count; i++) {
        char *key = NULL, *value = NULL;

        r = copy_string(&key, from->options[i].key);
        if (r == 0)
            r = copy_string(&value, from->options[i].value);
        args->own_options[i] = (struct vdisk_option){.key = key, .value = value};
    }
    return r;
}

static int copy_options(struct vd_open_args *args, const struct vdisk_open_options *from)
{
    int r;

    args->options = *from;
    args->options.option_count = 0;
    r = copy_string(&args->id, from->id);
    if (r == 0)
        r = copy_string(&args->conf, from->conf);
    if (r == 0)
        r = copy_own_options(args, from);
    if (r == 0 && from->passphrase)
        r = vd_passphrase_copy(&args->passphrase, from->passphrase, from->passphrase_size);
    if (r == 0)
        r = copy_string(&args->passphrase_file, from->passphrase_file);
    args->options.id = args->id;
    args->options.conf = args->conf;
    args->options.options = args->own_options;
    args->options.passphrase = args->passphrase.bytes;
    args->options.passphrase_file = args->passphrase_file;
    return r;
}

int vd_open_args_init(struct vd_open_args *args, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                      const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err)
{
    struct vdisk_open_options full;
    int r;

    *cluster = NULL;
    r = vd_open_options_read(&full, options, known_flags, uri, err);
    if (r == 0)
        r = vd_uri_copy(&args->uri, uri, err);
    if (r < 0)
        return r;
    r = copy_options(args, &full);
    if (r == 0)
        *cluster = vd_cluster_find(args->uri, &args->options);
    if (!*cluster)
        return vd_error_set(err, -ENOMEM, "Out of memory for the options.");
    return 0;
}

static void wipe(char *string)
{
    if (string)
        explicit_bzero(string, strlen(string));
    free(string);
}

void vd_open_args_destroy(struct vd_open_args *args)
{
    for (size_t i = 0; i < args->options.option_count; i++) {
        free((char *)(uintptr_t)args->own_options[i].key);
        wipe((char *)(uintptr_t)args->own_options[i].value);
    }
    vd_passphrase_destroy(&args->passphrase);
    free(args->passphrase_file);
    free(args->own_options);
    free(args->id);
    free(args->conf);
    vdisk_uri_free(args->uri);
    *args = (struct vd_open_args){0};
}

void vd_open_args_free(struct vd_open_args *args)
{
    if (args)
        vd_open_args_destroy(args);
    free(args);
}
