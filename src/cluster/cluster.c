/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cluster/cluster.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/process.h"
#include "uri/uri.h"

/* Threads of one cluster that may block at a time: long operations, as flattening, take one each. */
#define THREADS_MAX 16

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vd_cluster *registry;

/* The key. */

/* Text that grows as it is written; with NULL for `bytes` it is only measured. */
struct text {
    char *bytes;
    size_t size;
};

/* With its NUL, which keeps apart what follows each other. */
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
    /* No key is empty: the end of the URI's options. */
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

/* The registry, with its lock held. */

static struct vd_cluster *find(const struct text *key)
{
    for (struct vd_cluster *cluster = registry; cluster; cluster = cluster->next) {
        if (cluster->key_size == key->size && memcmp(cluster->key, key->bytes, key->size) == 0)
            return cluster;
    }
    return NULL;
}

/* The key becomes the cluster's. */
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

    /* Before there is a lock that a fork could find taken, or a thread that a child would not have. */
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
