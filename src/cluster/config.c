/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cluster/defaults.h"
#include "uri/option.h"
#include "uri/uri.h"

#define CACHE_POLICY_KEY "rbd_cache_policy"
#define CACHE_DIRTY_KEY "rbd_cache_max_dirty"

/* Room for the value of an option. This file takes a longer value for empty. */
#define VALUE_MAX 4096

const char *vd_config_user(const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    const char *id = options->id ? options->id : vd_uri_last(uri, "id");

    return id ? id : "admin";
}

/* A path from the URI is the value of an option, and messages never show those. */
static int file_error(int code, const char *own_path, bool of_uri, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    const char *which = of_uri ? "that option \"conf\" of the URI names" : "of Ceph's default search path";

    if (own_path)
        which = vd_quote(&quoted, own_path);
    if (code == -ENOENT)
        return vd_error_set(err, code, "The Ceph configuration file %s does not exist or cannot be opened.", which);
    return vd_error_set(err, code, "The Ceph configuration file %s cannot be read: %s.", which, strerror(-code));
}

const char *vd_config_file(const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    return options->conf ? options->conf : vd_uri_last(uri, "conf");
}

static int read_file(rados_t cluster, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                     struct vdisk_error *err)
{
    const char *path = vd_config_file(uri, options);
    int r = rados_conf_read_file(cluster, path);

    /* On the default search path, there need not be a file. */
    if (r >= 0 || (r == -ENOENT && !path))
        return 0;
    return file_error(r, options->conf, path != NULL, err);
}

/* Sets an option. `origin` says in the message who sets it. The message never shows the value: it can be a secret. */
static int set_option(rados_t cluster, const char *key, const char *value, const char *origin, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r = rados_conf_set(cluster, key, value);

    if (r >= 0)
        return 0;
    if (r == -ENOENT)
        return vd_error_set(err, -EINVAL, "Ceph has no option %s, which %s sets.", vd_quote(&quoted, key), origin);
    return vd_error_set(err, r, "Ceph refuses the value that %s gives to option %s: %s.", origin,
                        vd_quote(&quoted, key), strerror(-r));
}

/* Sets the URI's options. Sets *says_policy if they include the cache policy. */
static int apply_uri(rados_t cluster, const struct vdisk_uri *uri, bool *says_policy, struct vdisk_error *err)
{
    const char *key, *value;

    for (size_t i = 0; vdisk_uri_option(&key, &value, uri, i) == 0; i++) {
        if (vd_uri_is_own_key(key))
            continue;

        int r = set_option(cluster, key, value, "the URI", err);

        if (r < 0)
            return r;
        *says_policy |= vd_option_key_equal(key, CACHE_POLICY_KEY);
    }
    return 0;
}

/* Does the same with the program's own options. */
static int apply_caller(rados_t cluster, const struct vdisk_open_options *options, bool *says_policy,
                        struct vdisk_error *err)
{
    for (size_t i = 0; i < options->option_count; i++) {
        int r = set_option(cluster, options->options[i].key, options->options[i].value, "the program", err);

        if (r < 0)
            return r;
        *says_policy |= vd_option_key_equal(options->options[i].key, CACHE_POLICY_KEY);
    }
    return 0;
}

/* Gets the value of an option; "" if there is none or it is too long. */
static void get_value(rados_t cluster, const char *key, char value[VALUE_MAX])
{
    if (rados_conf_get(cluster, key, value, VALUE_MAX) < 0)
        value[0] = '\0';
}

/* Tells whether any file of a list, such as the value of "keyring", can be read. */
static bool some_file_readable(const char *value)
{
    char list[VALUE_MAX];
    char *rest = NULL;

    snprintf(list, sizeof list, "%s", value);
    for (char *path = strtok_r(list, ";,", &rest); path; path = strtok_r(NULL, ";,", &rest)) {
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

/*
 * Checks that there is a key. Without one, librados prints complaints to standard error, and connects without
 * authenticating. That can only succeed if the cluster does not require authentication.
 */
static int check_key(rados_t cluster, const char *user, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    char value[VALUE_MAX];

    /* If the older option is set, it outranks the newer one. */
    get_value(cluster, "auth_supported", value);
    if (!value[0])
        get_value(cluster, "auth_client_required", value);
    if (!strstr(value, "cephx"))
        return 0;
    get_value(cluster, "key", value);
    if (value[0])
        return 0;
    get_value(cluster, "keyfile", value);
    if (value[0])
        return 0;
    get_value(cluster, "keyring", value);
    /*
     * Set the option to its own value, which is already expanded. When no configuration file was read, librados itself
     * would expand $cluster and $name in the default to nothing, and look for "..keyring" (16.2.15).
     */
    if (some_file_readable(value))
        return set_option(cluster, "keyring", value, "libvdisk", err);
    return vd_error_set(err, -ENOENT,
                        "No keyring for the Ceph user %s can be read; name one with the option \"keyring\", or set "
                        "auth_client_required=none for a cluster without authentication.",
                        vd_quote(&quoted, user));
}

/*
 * Switches the cache off where Ceph's default policy, write-around, would be used. Write-around completes a write
 * before it is on the cluster. If the write then fails there with nothing else in flight, librbd 16.2.15 forgets the
 * error, and flush and close claim success. Only a program that asks for write-around should get it. Write-around never
 * caches reads, so switching the cache off costs none of them.
 */
static int avoid_write_around(rados_t cluster, struct vdisk_error *err)
{
    char value[VALUE_MAX];

    get_value(cluster, "rbd_cache", value);
    if (strcmp(value, "true") != 0)
        return 0;
    get_value(cluster, CACHE_POLICY_KEY, value);
    if (strcmp(value, "writearound") != 0)
        return 0;
    return set_option(cluster, "rbd_cache", "false", "libvdisk", err);
}

/* If no dirty data is allowed, allows three quarters of the cache. Ceph's defaults have the same ratio. */
static int allow_dirty(rados_t cluster, struct vdisk_error *err)
{
    char value[VALUE_MAX];

    get_value(cluster, CACHE_DIRTY_KEY, value);
    if (strcmp(value, "0") != 0)
        return 0;
    get_value(cluster, "rbd_cache_size", value);
    snprintf(value, sizeof value, "%llu", strtoull(value, NULL, 10) / 4 * 3);
    return set_option(cluster, CACHE_DIRTY_KEY, value, "libvdisk", err);
}

static int use_cache(rados_t cluster, const char *policy, struct vdisk_error *err)
{
    int r = set_option(cluster, "rbd_cache", "true", "libvdisk", err);

    return r < 0 ? r : set_option(cluster, CACHE_POLICY_KEY, policy, "libvdisk", err);
}

/* `policy_is_said`: the URI or the program sets the cache policy. */
static int apply_cache_mode(rados_t cluster, uint32_t mode, bool policy_is_said, struct vdisk_error *err)
{
    int r;

    switch (mode) {
    case VDISK_CACHE_NONE:
        return set_option(cluster, "rbd_cache", "false", "libvdisk", err);
    case VDISK_CACHE_WRITE_THROUGH:
        return use_cache(cluster, "writethrough", err);
    case VDISK_CACHE_WRITE_BACK:
        r = use_cache(cluster, "writeback", err);
        return r < 0 ? r : allow_dirty(cluster, err);
    default:
        return policy_is_said ? 0 : avoid_write_around(cluster, err);
    }
}

static int apply(rados_t cluster, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                 struct vdisk_error *err)
{
    bool policy_is_said = false;
    int r = vd_defaults_set(cluster, options->tuning, err);

    if (r == 0)
        r = read_file(cluster, uri, options, err);
    if (r == 0)
        r = apply_uri(cluster, uri, &policy_is_said, err);
    if (r == 0)
        r = apply_caller(cluster, options, &policy_is_said, err);
    if (r == 0)
        r = apply_cache_mode(cluster, options->cache_mode, policy_is_said, err);
    if (r == 0)
        r = check_key(cluster, vd_config_user(uri, options), err);
    return r;
}

char *vd_config_keyrings(rados_t cluster)
{
    char value[VALUE_MAX];

    get_value(cluster, "keyring", value);
    return strdup(value);
}

int vd_config_create(rados_t *cluster, const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                     struct vdisk_error *err)
{
    struct vd_quoted quoted;
    const char *user = vd_config_user(uri, options);
    int r = rados_create(cluster, user);

    if (r < 0) {
        *cluster = NULL;
        return vd_error_set(err, r, "A cluster handle for the Ceph user %s cannot be made: %s.",
                            vd_quote(&quoted, user), strerror(-r));
    }
    r = apply(*cluster, uri, options, err);
    if (r < 0) {
        rados_shutdown(*cluster);
        *cluster = NULL;
    }
    return r;
}
