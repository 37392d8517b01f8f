/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/connection.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/process.h"
#include "cluster/conf_files.h"
#include "cluster/config.h"

static int connect_error(int code, const char *user, struct vdisk_error *err)
{
    struct vd_quoted quoted;

    vd_quote(&quoted, user);
    switch (code) {
    case -ETIMEDOUT:
        return vd_error_set(err, code,
                            "No monitor of the cluster answered in time; check mon_host and the network, or raise "
                            "client_mount_timeout.");
    case -EACCES:
    case -EPERM:
        return vd_error_set(
            err, -EACCES, "The cluster refuses the Ceph user %s: it does not exist or the key is wrong.", quoted.text);
    case -ENOENT:
        return vd_error_set(err, code,
                            "No monitor to connect to is configured, or the keyring has no key for the Ceph user %s; "
                            "check mon_host and keyring.",
                            quoted.text);
    case -EINVAL:
        return vd_error_set(err, code,
                            "Connecting to the cluster as the Ceph user %s failed: its key is not in Ceph's form, or "
                            "mon_host is not valid.",
                            quoted.text);
    default:
        return vd_error_set(err, code, "Connecting to the cluster as the Ceph user %s failed: %s.", quoted.text,
                            strerror(-code));
    }
}

/* A cluster handle that has failed to connect is shut down and not used again: librados leaves it half set up. */
static int connect_cluster(struct vd_connection *connection, const struct vdisk_uri *uri,
                           const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r;

    /* Take the digests before Ceph reads the files, so that a change in between is noticed later. */
    connection->conf_digest = vd_conf_files_digest_conf(vd_config_file(uri, options));
    r = vd_config_create(&connection->rados, uri, options, err);
    if (r < 0)
        return r;
    connection->keyrings = vd_config_keyrings(connection->rados);
    if (!connection->keyrings) {
        rados_shutdown(connection->rados);
        return vd_error_set(err, -ENOMEM, "Out of memory for a connection.");
    }
    connection->keyrings_digest = vd_conf_files_digest(connection->keyrings);
    r = rados_connect(connection->rados);
    if (r < 0) {
        rados_shutdown(connection->rados);
        return connect_error(r, vd_config_user(uri, options), err);
    }
    return 0;
}

int vd_connection_connect(struct vd_connection *connection, const struct vdisk_uri *uri,
                          const struct vdisk_open_options *options, struct vdisk_error *err)
{
    int r = connect_cluster(connection, uri, options, err);

    if (r < 0)
        return r;
    r = vd_worker_start(&connection->worker);
    if (r < 0) {
        rados_shutdown(connection->rados);
        vd_error_set(err, r, "The thread for a connection cannot be started: %s.", strerror(-r));
    }
    return r;
}

void vd_connection_disconnect(struct vd_connection *connection)
{
    vd_worker_stop(&connection->worker);
    rados_shutdown(connection->rados);
}

bool vd_connection_is_current(const struct vd_connection *connection, const struct vdisk_uri *uri,
                              const struct vdisk_open_options *options)
{
    return connection->conf_digest == vd_conf_files_digest_conf(vd_config_file(uri, options)) &&
           connection->keyrings_digest == vd_conf_files_digest(connection->keyrings);
}

/* rados_ioctx_set_namespace never fails, so ask the cluster first whether the namespace exists. */
static int set_namespace(rados_ioctx_t pool, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    const char *name = vdisk_uri_namespace(uri);
    struct vd_quoted quoted_name, quoted_pool;
    bool exists = false;
    int r = 0;

    if (name[0])
        r = rbd_namespace_exists(pool, name, &exists);
    if (r == 0 && name[0] && !exists)
        r = -ENOENT;
    vd_quote(&quoted_name, name);
    vd_quote(&quoted_pool, vdisk_uri_pool(uri));
    if (r == -ENOENT)
        return vd_error_set(err, r, "There is no namespace %s in pool %s.", quoted_name.text, quoted_pool.text);
    if (r < 0)
        return vd_error_set(err, r, "Looking for namespace %s in pool %s failed: %s.", quoted_name.text,
                            quoted_pool.text, strerror(-r));
    rados_ioctx_set_namespace(pool, name);
    return 0;
}

int vd_connection_open_pool(rados_ioctx_t *pool, struct vd_connection *connection, const struct vdisk_uri *uri,
                            struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r = rados_ioctx_create(connection->rados, vdisk_uri_pool(uri), pool);

    if (r < 0) {
        *pool = NULL;
        vd_quote(&quoted, vdisk_uri_pool(uri));
        if (r == -ENOENT)
            return vd_error_set(err, r, "There is no pool %s in the cluster.", quoted.text);
        return vd_error_set(err, r, "Opening pool %s failed: %s.", quoted.text, strerror(-r));
    }
    r = set_namespace(*pool, uri, err);
    if (r < 0) {
        rados_ioctx_destroy(*pool);
        *pool = NULL;
    }
    return r;
}
