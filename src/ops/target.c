/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ops/open_options.h"

static int copy_uri(struct vdisk_uri **copy, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    const char *key, *value;
    int r = vdisk_uri_new(copy, vdisk_uri_pool(uri), vdisk_uri_namespace(uri), vdisk_uri_image(uri),
                          vdisk_uri_snapshot(uri), err);

    for (size_t i = 0; r == 0 && vdisk_uri_option(&key, &value, uri, i) == 0; i++)
        r = vdisk_uri_add_option(*copy, key, value, err);
    return r;
}

static int copy_string(char **copy, const char *string)
{
    if (!string)
        return 0;
    *copy = strdup(string);
    return *copy ? 0 : -ENOMEM;
}

static int copy_own_options(struct vd_target *target, const struct vdisk_open_options *from)
{
    int r = 0;

    if (from->option_count == 0)
        return 0;
    target->own_options = calloc(from->option_count, sizeof *target->own_options);
    if (!target->own_options)
        return -ENOMEM;
    target->options.option_count = from->option_count;
    for (size_t i = 0; r == 0 && i < from->option_count; i++) {
        char *key = NULL, *value = NULL;

        r = copy_string(&key, from->options[i].key);
        if (r == 0)
            r = copy_string(&value, from->options[i].value);
        target->own_options[i] = (struct vdisk_option){.key = key, .value = value};
    }
    return r;
}

static int copy_options(struct vd_target *target, const struct vdisk_open_options *from)
{
    int r;

    target->options = *from;
    target->options.option_count = 0;
    r = copy_string(&target->id, from->id);
    if (r == 0)
        r = copy_string(&target->conf, from->conf);
    if (r == 0)
        r = copy_own_options(target, from);
    if (r == 0 && from->passphrase)
        r = vd_passphrase_copy(&target->passphrase, from->passphrase, from->passphrase_size);
    if (r == 0)
        r = copy_string(&target->passphrase_file, from->passphrase_file);
    target->options.id = target->id;
    target->options.conf = target->conf;
    target->options.options = target->own_options;
    target->options.passphrase = target->passphrase.bytes;
    target->options.passphrase_file = target->passphrase_file;
    return r;
}

int vd_target_init(struct vd_target *target, struct vd_cluster **cluster, const struct vdisk_uri *uri,
                   const struct vdisk_open_options *options, uint32_t known_flags, struct vdisk_error *err)
{
    struct vdisk_open_options full;
    int r;

    *cluster = NULL;
    r = vd_open_options_read(&full, options, known_flags, uri, err);
    if (r == 0)
        r = copy_uri(&target->uri, uri, err);
    if (r < 0)
        return r;
    r = copy_options(target, &full);
    if (r == 0)
        *cluster = vd_cluster_get(target->uri, &target->options);
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

void vd_target_clear(struct vd_target *target)
{
    for (size_t i = 0; i < target->options.option_count; i++) {
        free((char *)(uintptr_t)target->own_options[i].key);
        wipe((char *)(uintptr_t)target->own_options[i].value);
    }
    vd_passphrase_wipe(&target->passphrase);
    free(target->passphrase_file);
    free(target->own_options);
    free(target->id);
    free(target->conf);
    vdisk_uri_free(target->uri);
    *target = (struct vd_target){0};
}

void vd_target_free(struct vd_target *target)
{
    if (target)
        vd_target_clear(target);
    free(target);
}
