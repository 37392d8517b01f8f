/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the functions of fake.h by which tests change the cluster and inspect it. */
#include <rbd/librbd.h>

#include <stdlib.h>

#include "fake_internal.h"

static const struct fake_pool *pool_named(const char *name)
{
    const struct fake_pool *pool = fake_pool_find(name);

    if (!pool)
        fake_abort("there is no pool %s", name);
    return pool;
}

static struct fake_image *image_named(const char *pool, const char *name_space, const char *name)
{
    struct fake_image *image = fake_image_find(pool_named(pool), name_space, name);

    if (!image)
        fake_abort("there is no image %s/%s/%s", pool, name_space, name);
    return image;
}

static struct fake_snapshot *snapshot_named(const struct fake_image *image, const char *name)
{
    struct fake_snapshot *snapshot = fake_header_find(&image->header, name);

    if (!snapshot)
        fake_abort("image %s has no snapshot %s", image->name, name);
    return snapshot;
}

void fake_create_pool(const char *name)
{
    fake_lock();
    if (fake_pool_find(name))
        fake_abort("there is a pool %s already", name);
    fake_pool_add(name);
    fake_unlock();
}

void fake_create_namespace(const char *pool, const char *name_space)
{
    fake_lock();
    if (fake_namespace_exists(pool_named(pool), name_space))
        fake_abort("there is a namespace %s/%s already", pool, name_space);
    fake_namespace_add(pool_named(pool), name_space);
    fake_unlock();
}

void fake_create_image(const char *pool, const char *name_space, const char *image, uint64_t size)
{
    fake_lock();
    if (!fake_namespace_exists(pool_named(pool), name_space))
        fake_abort("there is no namespace %s/%s", pool, name_space);
    if (fake_image_find(pool_named(pool), name_space, image))
        fake_abort("there is an image %s/%s/%s already", pool, name_space, image);
    fake_image_add(pool_named(pool), name_space, image, size);
    fake_unlock();
}

void fake_stripe_image(const char *pool, const char *name_space, const char *image, uint64_t stripe_unit,
                       uint64_t stripe_count)
{
    struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    found->stripe_unit = stripe_unit;
    found->stripe_count = stripe_count;
    fake_unlock();
}

void fake_set_image_option(const char *pool, const char *name_space, const char *image, const char *option,
                           const char *value)
{
    struct fake_setting *setting = fake_alloc(sizeof *setting);

    setting->name = fake_strdup(option);
    setting->value = fake_strdup(value);
    fake_lock();
    SLIST_INSERT_HEAD(&image_named(pool, name_space, image)->options, setting, next);
    fake_unlock();
}

void fake_create_snapshot(const char *pool, const char *name_space, const char *image, const char *snapshot,
                          rbd_snap_namespace_type_t type)
{
    struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    if (fake_header_find(&found->header, snapshot))
        fake_abort("image %s has a snapshot %s already", image, snapshot);
    fake_snapshot_add(found, snapshot, type);
    fake_watch_fire(found);
    fake_unlock();
}

void fake_image_read(const char *pool, const char *name_space, const char *image, const char *snapshot, uint64_t offset,
                     void *data, size_t length)
{
    const struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    fake_store_read(snapshot ? snapshot_named(found, snapshot)->store : found->store, offset, data, length);
    fake_unlock();
}

void fake_image_write(const char *pool, const char *name_space, const char *image, uint64_t offset, const void *data,
                      size_t length)
{
    const struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    if (offset > found->header.size || length > found->header.size - offset)
        fake_abort("fake_image_write: the range is not inside image %s", image);
    fake_store_write(found->store, offset, data, length);
    fake_unlock();
}

bool fake_image_exists(const char *pool, const char *name_space, const char *image)
{
    bool exists;

    fake_lock();
    exists = fake_image_find(pool_named(pool), name_space, image);
    fake_unlock();
    return exists;
}

uint64_t fake_image_size(const char *pool, const char *name_space, const char *image)
{
    uint64_t size;

    fake_lock();
    size = image_named(pool, name_space, image)->header.size;
    fake_unlock();
    return size;
}

uint64_t fake_image_object_size(const char *pool, const char *name_space, const char *image)
{
    uint64_t size;

    fake_lock();
    size = UINT64_C(1) << image_named(pool, name_space, image)->order;
    fake_unlock();
    return size;
}

struct fake_layout fake_image_layout(const char *pool, const char *name_space, const char *image)
{
    const struct fake_image *found;
    struct fake_layout layout;

    fake_lock();
    found = image_named(pool, name_space, image);
    layout = (struct fake_layout){.features = found->features,
                                  .stripe_unit = found->stripe_unit,
                                  .stripe_count = found->stripe_count,
                                  .data_pool = found->data_pool ? found->data_pool->name : NULL};
    fake_unlock();
    return layout;
}

void fake_create_clone(const char *pool, const char *name_space, const char *image, const char *snapshot, int format,
                       const char *clone)
{
    struct fake_ioctx place = {.pool = pool_named(pool), .name_space = (char *)(uintptr_t)name_space};
    struct fake_snapshot *found;

    fake_lock();
    found = snapshot_named(image_named(pool, name_space, image), snapshot);
    found->is_protected |= format == 1;
    fake_image_clone(image_named(pool, name_space, image), found, format, &place, clone);
    fake_unlock();
}

bool fake_image_is_clone(const char *pool, const char *name_space, const char *image)
{
    bool is_clone;

    fake_lock();
    is_clone = image_named(pool, name_space, image)->parent;
    fake_unlock();
    return is_clone;
}

void fake_freeze_client(const char *pool, const char *name_space, const char *image)
{
    fake_lock();
    image_named(pool, name_space, image)->frozen++;
    fake_unlock();
}

size_t fake_image_snapshots(const char *pool, const char *name_space, const char *image)
{
    size_t count;

    fake_lock();
    count = image_named(pool, name_space, image)->header.count;
    fake_unlock();
    return count;
}

size_t fake_image_pages(const char *pool, const char *name_space, const char *image)
{
    size_t pages;

    fake_lock();
    pages = fake_store_pages(image_named(pool, name_space, image)->store);
    fake_unlock();
    return pages;
}

bool fake_image_closed_unflushed(const char *pool, const char *name_space, const char *image)
{
    bool unflushed;

    fake_lock();
    unflushed = image_named(pool, name_space, image)->closed_unflushed;
    fake_unlock();
    return unflushed;
}

void fake_set_layout(const char *pool, const char *name_space, const char *name, uint64_t object_size,
                     uint64_t stripe_unit, uint64_t stripe_count)
{
    struct fake_image *image;

    fake_lock();
    image = image_named(pool, name_space, name);
    image->order = __builtin_ctzll(object_size);
    image->stripe_unit = stripe_unit;
    image->stripe_count = stripe_count;
    fake_unlock();
}

void fake_invalidate_maps(const char *pool, const char *name_space, const char *name)
{
    struct fake_header *header;

    fake_lock();
    header = &image_named(pool, name_space, name)->header;
    header->flags = RBD_FLAG_OBJECT_MAP_INVALID | RBD_FLAG_FAST_DIFF_INVALID;
    for (size_t i = 0; i < header->count; i++)
        header->snapshots[i].flags = header->flags;
    fake_unlock();
}

void fake_resize_image(const char *pool, const char *name_space, const char *image, uint64_t size, bool notify)
{
    struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    fake_image_set_size(found, size);
    if (notify)
        fake_watch_fire(found);
    fake_unlock();
}

void fake_notify(const char *pool, const char *name_space, const char *image)
{
    fake_lock();
    fake_watch_fire(image_named(pool, name_space, image));
    fake_unlock();
}

void fake_remove_image(const char *pool, const char *name_space, const char *image)
{
    fake_lock();
    fake_image_remove(image_named(pool, name_space, image));
    fake_unlock();
}

void fake_take_lock(const char *pool, const char *name_space, const char *image, const char *address)
{
    fake_lock();
    fake_lock_give_to(image_named(pool, name_space, image), address);
    fake_unlock();
}

void fake_lock_by_hand(const char *pool, const char *name_space, const char *image, bool locked)
{
    fake_lock();
    image_named(pool, name_space, image)->locked_by_hand = locked;
    fake_unlock();
}

void fake_encrypt_image(const char *pool, const char *name_space, const char *image, rbd_encryption_format_t format,
                        const char *passphrase)
{
    struct fake_image *found;

    fake_lock();
    found = image_named(pool, name_space, image);
    free(found->passphrase);
    found->passphrase = fake_strdup(passphrase);
    found->encryption = format;
    fake_unlock();
}

const char *fake_image_passphrase(const char *pool, const char *name_space, const char *image)
{
    const char *passphrase;

    fake_lock();
    passphrase = image_named(pool, name_space, image)->passphrase;
    fake_unlock();
    return passphrase;
}

void fake_set_features(const char *pool, const char *name_space, const char *image, uint64_t features)
{
    fake_lock();
    image_named(pool, name_space, image)->features = features;
    fake_unlock();
}

void fake_fill_pool(const char *pool, int error)
{
    fake_lock();
    fake_pool_fill(pool, error);
    fake_changed();
    fake_unlock();
}
