/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/cluster.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "uri/uri.h"

/* How many threads each executor of a cluster may have. An operation that takes long, such as flattening, needs one. */
#define THREADS_MAX 16

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vd_cluster *registry;

/* Writes a cluster's key. While `bytes` is NULL, it only measures the key. */
struct text {
    char *bytes;
    size_t size;
};

/* Adds a part with its NUL, which separates it from the next part. */
static void add(struct text *text, const char *part)
{
    size_t size = strlen(part) + 1;

    if (text->bytes)
        memcpy(text->bytes + text->size, part, size);
    text->size += size;
}

static void add_optional(struct text *text, const char *part)
{
    add(text, part ? "=" : "");
    if (part)
        add(text, part);
}

static void write_key(struct text *text, const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    const char *key, *value;

    text->size = 0;
    add_optional(text, options->id);
    add_optional(text, options->conf);
    for (size_t i = 0; vdisk_uri_option(&key, &value, uri, i) == 0; i++) {
        add(text, key);
        add(text, value);
    }
    /* An empty key ends the URI's options, because no option has an empty key. */
    add(text, "");
    for (size_t i = 0; i < options->option_count; i++) {
        add(text, options->options[i].key);
        add(text, options->options[i].value);
    }
}

static int make_key(struct text *text, const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    *text = (struct text){0};
    write_key(text, uri, options);
    text->bytes = malloc(text->size);
    if (!text->bytes)
        return -1;
    write_key(text, uri, options);
    return 0;
}

static void free_key(struct text *key)
{
    explicit_bzero(key->bytes, key->size);
    free(key->bytes);
}

/* The caller of this function, add_new or remove_from_registry has the registry's lock. */
static struct vd_cluster *find(const struct text *key)
{
    for (struct vd_cluster *cluster = registry; cluster; cluster = cluster->next) {
        if (cluster->key_size == key->size && memcmp(cluster->key, key->bytes, key->size) == 0)
            return cluster;
    }
    return NULL;
}

/* Adds a cluster, which takes over the key. Returns NULL if out of memory; the caller then still owns the key. */
static struct vd_cluster *add_new(const struct text *key)
{
    struct vd_cluster *cluster = calloc(1, sizeof *cluster);

    if (!cluster)
        return NULL;
    cluster->executor = vd_executor_new(THREADS_MAX);
    cluster->background = vd_executor_new(THREADS_MAX);
    if (!cluster->executor || !cluster->background) {
        vd_executor_put(cluster->executor);
        vd_executor_put(cluster->background);
        free(cluster);
        return NULL;
    }
    cluster->key = key->bytes;
    cluster->key_size = key->size;
    cluster->next = registry;
    registry = cluster;
    return cluster;
}

static void remove_from_registry(const struct vd_cluster *cluster)
{
    struct vd_cluster **link = &registry;

    while (*link != cluster)
        link = &(*link)->next;
    *link = cluster->next;
}

struct vd_cluster *vd_cluster_find(const struct vdisk_uri *uri, const struct vdisk_open_options *options)
{
    struct vd_cluster *cluster;
    struct text key;
    bool is_new = false;

    /* Register the fork handler first: fork() could copy a locked lock, and does not copy threads. */
    if (vd_process_will_connect() < 0 || make_key(&key, uri, options) < 0)
        return NULL;
    pthread_mutex_lock(&registry_lock);
    cluster = find(&key);
    if (!cluster) {
        cluster = add_new(&key);
        is_new = cluster;
    }
    if (cluster)
        cluster->references++;
    pthread_mutex_unlock(&registry_lock);
    if (!is_new)
        free_key(&key);
    return cluster;
}

struct vd_cluster *vd_cluster_get(struct vd_cluster *cluster)
{
    pthread_mutex_lock(&registry_lock);
    cluster->references++;
    pthread_mutex_unlock(&registry_lock);
    return cluster;
}

void vd_cluster_put(struct vd_cluster *cluster)
{
    struct text key;
    bool last;

    if (!cluster)
        return;
    pthread_mutex_lock(&registry_lock);
    last = --cluster->references == 0;
    if (last)
        remove_from_registry(cluster);
    pthread_mutex_unlock(&registry_lock);
    if (!last)
        return;
    vd_executor_put(cluster->executor);
    vd_executor_put(cluster->background);
    key = (struct text){.bytes = cluster->key, .size = cluster->key_size};
    free_key(&key);
    free(cluster);
}
