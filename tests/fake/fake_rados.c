/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements librados: cluster handles, connections, fencing and pools. The namespaces of librbd are here, too. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define FIRST_INSTANCE 4100

static SLIST_HEAD(, fake_client) clients = SLIST_HEAD_INITIALIZER(clients);
static uint64_t last_instance = FIRST_INSTANCE;

static struct fake_client *get_client(rados_t cluster)
{
    return fake_object_get(FAKE_CLIENT, cluster);
}

static struct fake_ioctx *get_ioctx(rados_ioctx_t ioctx)
{
    return fake_object_get(FAKE_IOCTX, ioctx);
}

static int ready_error(const struct fake_client *client)
{
    if (client->state != FAKE_CONNECTED)
        return -ENOTCONN;
    return client->fenced ? -ESHUTDOWN : 0;
}

void rados_version(int *major, int *minor, int *extra)
{
    fake_enter(FN_rados_version);
    *major = LIBRADOS_VER_MAJOR;
    *minor = LIBRADOS_VER_MINOR;
    *extra = LIBRADOS_VER_EXTRA;
    fake_leave(0);
}

/* Handles. */

static struct fake_client *new_client(const char *id)
{
    struct fake_client *client;
    char name[64];

    snprintf(name, sizeof name, "client.%.50s", id);
    client = fake_object_new(FAKE_CLIENT, sizeof *client, name);
    fake_config_init(&client->config, id);
    client->instance_id = ++last_instance;
    SLIST_INSERT_HEAD(&clients, client, next);
    return client;
}

int rados_create(rados_t *cluster, const char *const id)
{
    int r = fake_enter(FN_rados_create);

    if (id)
        fake_config_log("create id=%s", id);
    else
        fake_config_log("create");
    if (r == 0)
        *cluster = new_client(id && id[0] ? id : "admin");
    return fake_leave(r);
}

void rados_shutdown(rados_t cluster)
{
    struct fake_client *client;

    fake_enter(FN_rados_shutdown);
    client = get_client(cluster);
    if (client->ioctxs > 0)
        fake_abort("%u ioctxs of %s are still there", client->ioctxs, client->object.name);
    fake_config_log("shutdown");
    fake_object_close(&client->object);
    fake_leave(0);
}

void fake_client_free(struct fake_client *client)
{
    SLIST_REMOVE(&clients, client, fake_client, next);
    fake_config_free(&client->config);
}

/* Configuration. */

int rados_conf_read_file(rados_t cluster, const char *path)
{
    int r = fake_enter(FN_rados_conf_read_file);
    struct fake_client *client = get_client(cluster);

    if (path)
        fake_config_log("file %s", path);
    else
        fake_config_log("file");
    if (r == 0)
        r = fake_config_read_file(&client->config, path);
    return fake_leave(r);
}

/* The fake ignores the environment of the test. */
int rados_conf_parse_env(rados_t cluster, const char *variable)
{
    int r = fake_enter(FN_rados_conf_parse_env);

    get_client(cluster);
    fake_config_log("env %s", variable ? variable : "CEPH_ARGS");
    return fake_leave(r);
}

static int take_default(struct fake_client *client, const char *argument)
{
    static const char prefix[] = "--default-";
    char *name, *equals;
    int r;

    if (strncmp(argument, prefix, strlen(prefix)) != 0)
        fake_abort("rados_conf_parse_argv: only defaults are known here, not %s", argument);
    name = fake_strdup(argument + strlen(prefix));
    equals = strchr(name, '=');
    if (!equals)
        fake_abort("rados_conf_parse_argv: %s lacks a value", argument);
    *equals = '\0';
    fake_config_log("default %s=%s", name, equals + 1);
    r = fake_config_set_default(&client->config, name, equals + 1);
    free(name);
    return r;
}

int rados_conf_parse_argv(rados_t cluster, int count, const char **arguments)
{
    int r = fake_enter(FN_rados_conf_parse_argv);
    struct fake_client *client = get_client(cluster);

    for (int i = 1; r == 0 && i < count; i++)
        r = take_default(client, arguments[i]);
    return fake_leave(r);
}

int rados_conf_set(rados_t cluster, const char *option, const char *value)
{
    int r = fake_enter(FN_rados_conf_set);
    struct fake_client *client = get_client(cluster);

    fake_config_log("set %s=%s", option, value);
    if (r == 0)
        r = fake_config_set(&client->config, option, value);
    return fake_leave(r);
}

int rados_conf_get(rados_t cluster, const char *option, char *buffer, size_t size)
{
    int r = fake_enter(FN_rados_conf_get);
    const struct fake_client *client = get_client(cluster);

    if (r == 0)
        r = fake_config_get(&client->config, option, buffer, size);
    return fake_leave(r);
}

/* Connections. */

static int connect_client(struct fake_client *client, int error)
{
    if (client->state == FAKE_CONNECTED)
        return -EISCONN;
    if (client->state == FAKE_FAILED)
        fake_abort("connecting has failed before on this handle, which leaves it half set up");
    fake_config_log("connect");
    client->state = error ? FAKE_FAILED : FAKE_CONNECTED;
    return error;
}

int rados_connect(rados_t cluster)
{
    int r = fake_enter(FN_rados_connect);

    return fake_leave(connect_client(get_client(cluster), r));
}

uint64_t rados_get_instance_id(rados_t cluster)
{
    const struct fake_client *client;
    uint64_t id;

    fake_enter(FN_rados_get_instance_id);
    client = get_client(cluster);
    id = client->state == FAKE_CONNECTED ? client->instance_id : 0;
    fake_leave(0);
    return id;
}

void fake_client_address(char *text, size_t size, const struct fake_client *client)
{
    snprintf(text, size, "127.0.0.1:0/%" PRIu64, client->instance_id * 1000003);
}

int rados_getaddrs(rados_t cluster, char **addresses)
{
    int r = fake_enter(FN_rados_getaddrs);
    const struct fake_client *client = get_client(cluster);
    char text[64];

    if (client->state != FAKE_CONNECTED)
        fake_abort("%s is not connected", client->object.name);
    fake_client_address(text, sizeof text, client);
    if (r == 0)
        *addresses = fake_strdup(text);
    return fake_leave(r);
}

static void fence(const char *address)
{
    struct fake_client *client;
    char text[64];

    SLIST_FOREACH(client, &clients, next)
    {
        fake_client_address(text, sizeof text, client);
        if (client->state == FAKE_CONNECTED && (!address || strcmp(address, text) == 0))
            client->fenced = true;
    }
}

int rados_blocklist_add(rados_t cluster, char *address, uint32_t expire_seconds)
{
    int r = fake_enter(FN_rados_blocklist_add);

    (void)expire_seconds;
    if (get_client(cluster)->state != FAKE_CONNECTED)
        fake_abort("the handle is not connected");
    if (r == 0)
        fence(address);
    return fake_leave(r);
}

void fake_blocklist(void)
{
    fake_lock();
    fence(NULL);
    fake_unlock();
}

int rados_wait_for_latest_osdmap(rados_t cluster)
{
    int r = fake_enter(FN_rados_wait_for_latest_osdmap);

    if (get_client(cluster)->state != FAKE_CONNECTED)
        fake_abort("without a connection this crashes");
    return fake_leave(r);
}

/* Pools. */

static int open_pool(struct fake_client *client, const char *name, rados_ioctx_t *result)
{
    const struct fake_pool *pool = fake_pool_find(name);
    struct fake_ioctx *ioctx;

    if (client->state != FAKE_CONNECTED)
        return -ENOTCONN;
    if (!pool)
        return -ENOENT;
    ioctx = fake_object_new(FAKE_IOCTX, sizeof *ioctx, name);
    ioctx->client = client;
    ioctx->pool = pool;
    ioctx->name_space = fake_strdup("");
    client->ioctxs++;
    *result = ioctx;
    return 0;
}

int rados_ioctx_create(rados_t cluster, const char *pool_name, rados_ioctx_t *ioctx)
{
    int r = fake_enter(FN_rados_ioctx_create);
    struct fake_client *client = get_client(cluster);

    if (r == 0)
        r = open_pool(client, pool_name, ioctx);
    return fake_leave(r);
}

void rados_ioctx_destroy(rados_ioctx_t io)
{
    struct fake_ioctx *ioctx;

    fake_enter(FN_rados_ioctx_destroy);
    ioctx = get_ioctx(io);
    if (ioctx->images > 0)
        fake_abort("%u images in pool %s are still open", ioctx->images, ioctx->object.name);
    ioctx->client->ioctxs--;
    fake_object_close(&ioctx->object);
    fake_leave(0);
}

void fake_ioctx_free(struct fake_ioctx *ioctx)
{
    free(ioctx->name_space);
}

void rados_ioctx_set_namespace(rados_ioctx_t io, const char *name_space)
{
    struct fake_ioctx *ioctx;

    fake_enter(FN_rados_ioctx_set_namespace);
    ioctx = get_ioctx(io);
    free(ioctx->name_space);
    ioctx->name_space = fake_strdup(name_space ? name_space : "");
    fake_leave(0);
}

void rados_set_pool_full_try(rados_ioctx_t io)
{
    fake_enter(FN_rados_set_pool_full_try);
    get_ioctx(io)->full_try = true;
    fake_leave(0);
}

int64_t rados_ioctx_get_id(rados_ioctx_t io)
{
    int64_t id;

    fake_enter(FN_rados_ioctx_get_id);
    id = get_ioctx(io)->pool->id;
    fake_leave(0);
    return id;
}

/* RBD's namespaces. */

int rbd_namespace_create(rados_ioctx_t io, const char *name)
{
    int r = fake_enter(FN_rbd_namespace_create);
    const struct fake_ioctx *ioctx = get_ioctx(io);

    if (r == 0)
        r = ready_error(ioctx->client);
    if (r == 0 && !name[0])
        r = -EINVAL;
    if (r == 0 && fake_namespace_exists(ioctx->pool, name))
        r = -EEXIST;
    if (r == 0)
        fake_namespace_add(ioctx->pool, name);
    return fake_leave(r);
}

int rbd_namespace_exists(rados_ioctx_t io, const char *name, bool *exists)
{
    int r = fake_enter(FN_rbd_namespace_exists);
    const struct fake_ioctx *ioctx = get_ioctx(io);

    if (r == 0)
        r = ready_error(ioctx->client);
    if (r == 0 && !name[0])
        r = -EINVAL;
    if (r == 0)
        *exists = fake_namespace_exists(ioctx->pool, name);
    return fake_leave(r);
}
