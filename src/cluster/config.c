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

/* The longest value of an option that this file looks at; a longer one is not looked at. */
#define VALUE_MAX 4096

const char *vd_config_user(const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    const char *id = options->id ? options->id : vd_uri_last(uri, "id");

    return id ? id : "admin";
}

/* A path that came by the URI is the value of an option, and those stay out of messages. */
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

    /* On the default search path there need not be one. */
    if (r >= 0 || (r == -ENOENT && !path))
        return 0;
    return file_error(r, options->conf, path != NULL, err);
}

/* `origin` says whose option it is. Values stay out of the message: they can be secrets. */
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

/* *says_policy: the cache policy is among them. */
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

static void get_value(rados_t cluster, const char *key, char value[VALUE_MAX])
{
    if (rados_conf_get(cluster, key, value, VALUE_MAX) < 0)
        value[0] = '\0';
}

/* Whether a file of the list that `keyring` holds can be read. */
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
 * Without a key, librados complains on standard error by itself and connects as nobody; look before it does. That it
 * can succeed all the same is only so where the cluster wants no authentication.
 */
static int check_key(rados_t cluster, const char *user, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    char value[VALUE_MAX];

    /* The older option, where it is set, outranks the newer one. */
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
     * Set to what it is: when no configuration file was read, librados itself would expand $cluster and $name in the
     * default to nothing, and look for "..keyring" (16.2.15).
     */
    if (some_file_readable(value))
        return set_option(cluster, "keyring", value, "libvdisk", err);
    return vd_error_set(err, -ENOENT,
                        "No keyring for the Ceph user %s can be read; name one with the option \"keyring\", or say "
                        "auth_client_required=none for a cluster without authentication.",
                        vd_quote(&quoted, user));
}

/*
 * Ceph's default cache policy, write-around, says that a write is complete before it is on the cluster; when it fails
 * there after that, with nothing else in I/O, librbd 16.2.15 forgets the error, and flush and close claim success.
 * Nobody who did not ask for that should get it. It never caches reads, so that switching the cache off costs none.
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

/* Three quarters: what Ceph's defaults are to each other. */
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
