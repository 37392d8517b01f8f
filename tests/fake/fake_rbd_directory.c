/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removes, renames and lists the images of a pool. */
#include <errno.h>
#include <stdlib.h>

#include "fake_internal.h"

static struct fake_ioctx *get_ioctx(rados_ioctx_t ioctx)
{
    return fake_object_get(FAKE_IOCTX, ioctx);
}

/* Removing. */

static bool has_snapshots(const struct fake_image *image)
{
    for (size_t i = 0; i < image->header.count; i++) {
        if (image->header.snapshots[i].type != RBD_SNAP_NAMESPACE_TYPE_TRASH)
            return true;
    }
    return false;
}

/*
 * Clients that are alive keep the image from being removed. An owner of the exclusive lock that does not answer is no
 * obstacle: librbd fences it and removes the image.
 */
static int find_to_remove(struct fake_image **image, const struct fake_ioctx *ioctx, const char *name)
{
    *image = fake_image_find(ioctx->pool, ioctx->name_space, name);
    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!*image)
        return -ENOENT;
    if (has_snapshots(*image))
        return -ENOTEMPTY;
    /* These snapshots are in the trash, because clones need them. */
    if ((*image)->header.count > 0)
        return -EBUSY;
    return (*image)->writers > 0 ? -EBUSY : 0;
}

int rbd_remove(rados_ioctx_t io, const char *name)
{
    int r = fake_enter(FN_rbd_remove);
    struct fake_image *image;

    if (r == 0)
        r = find_to_remove(&image, get_ioctx(io), name);
    if (r == 0)
        fake_image_remove(image);
    return fake_leave(r);
}

int rbd_remove_with_progress(rados_ioctx_t io, const char *name, librbd_progress_fn_t progress, void *argument)
{
    int r = fake_enter(FN_rbd_remove_with_progress);
    struct fake_image *image;

    if (r == 0)
        r = find_to_remove(&image, get_ioctx(io), name);
    if (r == 0)
        fake_progress_over(progress, argument, image->header.size >> image->order);
    if (r == 0)
        fake_image_remove(image);
    return fake_leave(r);
}

/* Renaming. */

static int rename_image(const struct fake_ioctx *ioctx, const char *name, const char *new_name)
{
    struct fake_image *image = fake_image_find(ioctx->pool, ioctx->name_space, name);

    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!image)
        return -ENOENT;
    if (!new_name[0])
        fake_abort("the new name is empty, which is refused, and leaves rubbish in the pool");
    if (fake_image_find(ioctx->pool, ioctx->name_space, new_name))
        return -EEXIST;
    free(image->name);
    image->name = fake_strdup(new_name);
    fake_watch_fire(image);
    return 0;
}

int rbd_rename(rados_ioctx_t io, const char *name, const char *new_name)
{
    int r = fake_enter(FN_rbd_rename);

    if (r == 0)
        r = rename_image(get_ioctx(io), name, new_name);
    return fake_leave(r);
}

/* Listing. */

static bool is_inside(const struct fake_image *image, const struct fake_ioctx *ioctx)
{
    return fake_image_find(ioctx->pool, ioctx->name_space, image->name) == image;
}

static int list(const struct fake_ioctx *ioctx, rbd_image_spec_t *images, size_t *max)
{
    const struct fake_image *image;
    size_t count = 0, room = *max;

    for (image = fake_image_first(); image; image = SLIST_NEXT(image, next))
        count += is_inside(image, ioctx);
    *max = count;
    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (room < count)
        return -ERANGE;
    count = 0;
    for (image = fake_image_first(); image; image = SLIST_NEXT(image, next)) {
        if (is_inside(image, ioctx))
            images[count++] =
                (rbd_image_spec_t){.id = fake_string_give(image->id), .name = fake_string_give(image->name)};
    }
    return 0;
}

int rbd_list2(rados_ioctx_t io, rbd_image_spec_t *images, size_t *max_images)
{
    int r = fake_enter(FN_rbd_list2);

    if (r == 0)
        r = list(get_ioctx(io), images, max_images);
    return fake_leave(r);
}
