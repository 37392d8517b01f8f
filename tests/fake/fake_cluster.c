/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps the pools, the namespaces and the images of the cluster. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define DEFAULT_ORDER 22
#define DEFAULT_FEATURES                                                                                               \
    (RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK | RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF |              \
     RBD_FEATURE_DEEP_FLATTEN)

struct name_space {
    SLIST_ENTRY(name_space) next;
    const struct fake_pool *pool;
    char *name;
};

static SLIST_HEAD(, fake_pool) pools = SLIST_HEAD_INITIALIZER(pools);
static SLIST_HEAD(, name_space) name_spaces = SLIST_HEAD_INITIALIZER(name_spaces);
/* Removed images stay in the list, because clients can still have them open. */
static SLIST_HEAD(, fake_image) images = SLIST_HEAD_INITIALIZER(images);
static int64_t last_pool_id;
static uint64_t last_image_id;

const struct fake_pool *fake_pool_find(const char *name)
{
    const struct fake_pool *pool;

    SLIST_FOREACH(pool, &pools, next)
    {
        if (strcmp(pool->name, name) == 0)
            return pool;
    }
    return NULL;
}

void fake_pool_add(const char *name)
{
    struct fake_pool *pool = fake_alloc(sizeof *pool);

    pool->id = ++last_pool_id;
    pool->name = fake_strdup(name);
    SLIST_INSERT_HEAD(&pools, pool, next);
}

void fake_pool_fill(const char *name, int error)
{
    struct fake_pool *pool;

    SLIST_FOREACH(pool, &pools, next)
    {
        if (strcmp(pool->name, name) == 0)
            pool->full = error;
    }
}

bool fake_namespace_exists(const struct fake_pool *pool, const char *name)
{
    const struct name_space *name_space;

    if (!name[0])
        return true;
    SLIST_FOREACH(name_space, &name_spaces, next)
    {
        if (name_space->pool == pool && strcmp(name_space->name, name) == 0)
            return true;
    }
    return false;
}

void fake_namespace_add(const struct fake_pool *pool, const char *name)
{
    struct name_space *name_space = fake_alloc(sizeof *name_space);

    name_space->pool = pool;
    name_space->name = fake_strdup(name);
    SLIST_INSERT_HEAD(&name_spaces, name_space, next);
}

struct fake_image *fake_image_find(const struct fake_pool *pool, const char *name_space, const char *name)
{
    struct fake_image *image;

    SLIST_FOREACH(image, &images, next)
    {
        if (!image->removed && image->pool == pool && strcmp(image->name_space, name_space) == 0 &&
            strcmp(image->name, name) == 0)
            return image;
    }
    return NULL;
}

struct fake_image *fake_image_add(const struct fake_pool *pool, const char *name_space, const char *name, uint64_t size)
{
    struct fake_image *image = fake_alloc(sizeof *image);

    image->pool = pool;
    image->name_space = fake_strdup(name_space);
    image->name = fake_strdup(name);
    snprintf(image->id, sizeof image->id, "%" PRIx64, UINT64_C(0x1000fa4e) + ++last_image_id);
    image->order = DEFAULT_ORDER;
    image->features = DEFAULT_FEATURES;
    image->stripe_unit = UINT64_C(1) << DEFAULT_ORDER;
    image->stripe_count = 1;
    image->header.size = size;
    SLIST_INIT(&image->options);
    image->store = fake_store_new();
    SLIST_INSERT_HEAD(&images, image, next);
    return image;
}

struct fake_image *fake_image_first(void)
{
    return SLIST_FIRST(&images);
}

/*
 * The clone shares the pages of the snapshot, and copies a page when it writes to it. To readers this looks like
 * librbd, which asks the parent for what the clone lacks.
 */
struct fake_image *fake_image_clone(struct fake_image *parent, const struct fake_snapshot *snapshot, int format,
                                    const struct fake_ioctx *ioctx, const char *name)
{
    struct fake_image *child = fake_image_add(ioctx->pool, ioctx->name_space, name, snapshot->size);

    fake_store_drop(child->store);
    child->store = fake_store_clone(snapshot->store);
    child->parent = parent;
    child->parent_snapshot = snapshot->id;
    child->overlap = snapshot->size;
    child->clone_format = format;
    return child;
}

size_t fake_image_children(const struct fake_image *parent, uint64_t snapshot, int format)
{
    const struct fake_image *image;
    size_t count = 0;

    SLIST_FOREACH(image, &images, next)
    {
        count += image->parent == parent && image->parent_snapshot == snapshot &&
                 (format == 0 || image->clone_format == format);
    }
    return count;
}

void fake_image_detach(struct fake_image *child)
{
    struct fake_image *parent = child->parent;
    struct fake_snapshot *snapshot;

    if (!parent)
        return;
    child->parent = NULL;
    child->overlap = 0;
    snapshot = fake_header_find_id(&parent->header, child->parent_snapshot);
    if (snapshot && snapshot->type == RBD_SNAP_NAMESPACE_TYPE_TRASH &&
        fake_image_children(parent, snapshot->id, 0) == 0)
        fake_snapshot_drop(parent, snapshot);
}

void fake_image_set_size(struct fake_image *image, uint64_t size)
{
    if (size < image->header.size)
        fake_store_truncate(image->store, size);
    if (size < image->overlap)
        image->overlap = size;
    image->header.size = size;
}

void fake_image_remove(struct fake_image *image)
{
    image->removed = true;
    fake_image_detach(image);
    fake_store_truncate(image->store, 0);
}

static void free_image(struct fake_image *image)
{
    fake_header_free(&image->header);
    fake_store_drop(image->store);
    fake_image_free_options(image);
    free(image->name_space);
    free(image->lock_owner);
    free(image->name);
    free(image->passphrase);
    free(image);
}

void fake_cluster_reset(void)
{
    while (!SLIST_EMPTY(&images)) {
        struct fake_image *image = SLIST_FIRST(&images);

        SLIST_REMOVE_HEAD(&images, next);
        free_image(image);
    }
    while (!SLIST_EMPTY(&name_spaces)) {
        struct name_space *name_space = SLIST_FIRST(&name_spaces);

        SLIST_REMOVE_HEAD(&name_spaces, next);
        free(name_space->name);
        free(name_space);
    }
    while (!SLIST_EMPTY(&pools)) {
        struct fake_pool *pool = SLIST_FIRST(&pools);

        SLIST_REMOVE_HEAD(&pools, next);
        free(pool->name);
        free(pool);
    }
}
