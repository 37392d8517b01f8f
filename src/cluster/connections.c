/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/connections.h"

#include <errno.h>
#include <pthread.h>
#include <rbd/librbd.h>
#include <stdlib.h>

#include "base/error.h"

#define DEFAULT_DISKS 16

/* One lock protects the lists of all clusters. A thread keeps it to search a short list, never while it blocks. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* An attempt to connect has succeeded or failed. */
static pthread_cond_t attempted = PTHREAD_COND_INITIALIZER;

/* What a caller asks for. */
struct wanted {
    struct vd_cluster *cluster;
    const struct vdisk_uri *uri;
    const struct vdisk_open_options *options;
    bool is_for_disk;
};

/* The caller of this function, and of those up to take_off, has the lock. */
static bool fits(const struct vd_connection *connection, const struct wanted *wanted)
{
    unsigned int most = wanted->options->disks_per_connection;

    if (connection->cache_mode != wanted->options->cache_mode || connection->tuning != wanted->options->tuning)
        return false;
    if (atomic_load_explicit(&connection->retired, memory_order_relaxed))
        return false;
    return !wanted->is_for_disk || connection->disks < (most > 0 ? most : DEFAULT_DISKS);
}

static struct vd_connection *find(const struct wanted *wanted)
{
    struct vd_connection *connection = wanted->cluster->connections;

    /* A connection is taken off the list before it is freed. The analyzer does not see that. */
    while (connection && !fits(connection, wanted)) // NOLINT(clang-analyzer-unix.Malloc)
        connection = connection->next;
    return connection;
}

static struct vd_connection *add_new(const struct wanted *wanted)
{
    struct vd_connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    connection->cluster = vd_cluster_get(wanted->cluster);
    connection->cache_mode = wanted->options->cache_mode;
    connection->tuning = wanted->options->tuning;
    connection->next = wanted->cluster->connections;
    wanted->cluster->connections = connection;
    return connection;
}

static void take_off(const struct vd_connection *connection)
{
    struct vd_connection **link = &connection->cluster->connections;

    while (*link != connection)
        link = &(*link)->next;
    *link = connection->next;
}

static void free_connection(struct vd_connection *connection)
{
    if (connection->state == VD_CONNECTION_READY)
        vd_connection_disconnect(connection);
    free(connection->keyrings);
    vd_cluster_put(connection->cluster);
    free(connection);
}

static void put(struct vd_connection *connection, bool by_disk)
{
    bool last;

    if (!connection)
        return;
    pthread_mutex_lock(&lock);
    connection->disks -= by_disk;
    last = --connection->references == 0;
    if (last)
        take_off(connection);
    pthread_mutex_unlock(&lock);
    if (last)
        free_connection(connection);
}

void vd_connection_put(struct vd_connection *connection)
{
    put(connection, false);
}

void vd_connection_put_by_disk(struct vd_connection *connection)
{
    put(connection, true);
}

void vd_connection_retire(struct vd_connection *connection)
{
    atomic_store_explicit(&connection->retired, true, memory_order_relaxed);
}

/* Connects a new connection for the caller that has created it, and wakes the callers that wait for it. */
static int connect_first(struct vd_connection *connection, const struct wanted *wanted, struct vdisk_error *err)
{
    struct vdisk_error error = {0};
    int r = vd_connection_connect(connection, wanted->uri, wanted->options, &error);

    pthread_mutex_lock(&lock);
    connection->state = r < 0 ? VD_CONNECTION_FAILED : VD_CONNECTION_READY;
    connection->result = r;
    connection->error = error;
    /* Only callers that already wait fail with this attempt. A later caller makes a new attempt. */
    if (r < 0)
        vd_connection_retire(connection);
    pthread_cond_broadcast(&attempted);
    pthread_mutex_unlock(&lock);
    if (r < 0 && err)
        *err = error;
    return r;
}

/* Waits for the attempt of the caller that has created the connection. Returns its result. */
static int wait_for_first(struct vd_connection *connection, struct vdisk_error *err)
{
    int r;

    pthread_mutex_lock(&lock);
    while (connection->state == VD_CONNECTION_CONNECTING)
        pthread_cond_wait(&attempted, &lock);
    r = connection->result;
    if (r < 0 && err)
        *err = connection->error;
    pthread_mutex_unlock(&lock);
    return r;
}

/* Gets a connection that fits, or a new one. *is_new: the connection was connected for this caller. */
static int get(struct vd_connection **connection, bool *is_new, const struct wanted *wanted, struct vdisk_error *err)
{
    struct vd_connection *found;
    int r;

    pthread_mutex_lock(&lock);
    found = find(wanted);
    *is_new = !found;
    if (!found)
        found = add_new(wanted);
    if (found) {
        found->references++;
        found->disks += wanted->is_for_disk;
    }
    pthread_mutex_unlock(&lock);
    if (!found)
        return vd_error_set(err, -ENOMEM, "Out of memory for a connection.");

    r = *is_new ? connect_first(found, wanted, err) : wait_for_first(found, err);
    if (r < 0)
        put(found, wanted->is_for_disk);
    else
        *connection = found;
    return r;
}

/* Asks the cluster whether some namespace exists, only to learn whether an idle client has been fenced. */
static int check_fencing(rados_ioctx_t pool)
{
    bool exists;

    return rbd_namespace_exists(pool, "*", &exists) == -ESHUTDOWN ? -ESHUTDOWN : 0;
}

static int open_pool(rados_ioctx_t *pool, struct vd_connection *connection, const struct wanted *wanted, bool is_new,
                     struct vdisk_error *err)
{
    int r = vd_connection_open_pool(pool, connection, wanted->uri, err);

    if (r < 0)
        return r;
    /* Set this before an image is opened, because the image takes it over. */
    if (!(wanted->options->flags & VDISK_OPEN_WAIT_FOR_SPACE))
        rados_set_pool_full_try(*pool);
    /* With a namespace in the URI, vd_connection_open_pool has already asked the cluster. */
    if (is_new || vdisk_uri_namespace(wanted->uri)[0])
        return 0;
    r = check_fencing(*pool);
    if (r < 0) {
        rados_ioctx_destroy(*pool);
        *pool = NULL;
    }
    return r;
}

/* Tries one connection. *again: it was fenced or its files have changed, and it is retired. Try once more. */
static int try_to_open(struct vd_connection **connection, rados_ioctx_t *pool, bool *again, const struct wanted *wanted,
                       struct vdisk_error *err)
{
    bool is_new;
    int r = get(connection, &is_new, wanted, err);

    *again = false;
    if (r < 0)
        return r;
    if (!is_new && !vd_connection_is_current(*connection, wanted->uri, wanted->options))
        r = -ESHUTDOWN;
    if (r == 0)
        r = open_pool(pool, *connection, wanted, is_new, err);
    if (r == -ESHUTDOWN) {
        vd_connection_retire(*connection);
        *again = !is_new;
    }
    if (r < 0) {
        put(*connection, wanted->is_for_disk);
        *connection = NULL;
    }
    return r;
}

static int open_for(struct vd_connection **connection, rados_ioctx_t *pool, const struct wanted *wanted,
                    struct vdisk_error *err)
{
    bool again;
    int r;

    *connection = NULL;
    *pool = NULL;
    do
        r = try_to_open(connection, pool, &again, wanted, err);
    while (again);
    if (r == 0)
        vd_error_clear(err);
    return r;
}

int vd_connection_get(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                      const struct vdisk_uri *uri, const struct vdisk_open_options *options, struct vdisk_error *err)
{
    struct wanted wanted = {.cluster = cluster, .uri = uri, .options = options};

    return open_for(connection, pool, &wanted, err);
}

int vd_connection_get_for_disk(struct vd_connection **connection, rados_ioctx_t *pool, struct vd_cluster *cluster,
                               const struct vdisk_uri *uri, const struct vdisk_open_options *options,
                               struct vdisk_error *err)
{
    struct wanted wanted = {.cluster = cluster, .uri = uri, .options = options, .is_for_disk = true};

    return open_for(connection, pool, &wanted, err);
}
