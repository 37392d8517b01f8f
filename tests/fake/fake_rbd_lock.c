/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements the exclusive lock of an image, which goes to the client that changes the image. */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

static void set_owner(struct fake_image *image, const struct fake_handle *locker, const char *address)
{
    free(image->lock_owner);
    image->lock_owner = address ? fake_strdup(address) : NULL;
    image->locker = locker;
    image->lock_is_kept = false;
}

bool fake_lock_is_kept_from(const struct fake_handle *handle)
{
    return handle->image->lock_is_kept && handle->image->locker != handle;
}

/* The owner releases the lock when it is asked. The lock of a fenced owner is broken. */
void fake_lock_take(const struct fake_handle *handle)
{
    char address[64];

    if (!(handle->image->features & RBD_FEATURE_EXCLUSIVE_LOCK) || handle->image->locker == handle ||
        fake_lock_is_kept_from(handle))
        return;
    fake_client_address(address, sizeof address, handle->ioctx->client);
    set_owner(handle->image, handle, address);
}

void fake_lock_give_to(struct fake_image *image, const char *address)
{
    set_owner(image, NULL, address);
}

/* A fenced client cannot unlock, so its lock outlives it. */
void fake_lock_close(const struct fake_handle *handle)
{
    struct fake_image *image = handle->image;

    if (image->locker != handle)
        return;
    image->locker = NULL;
    if (!fake_handle_is_fenced(handle))
        set_owner(image, NULL, NULL);
}

static int get_owner(const struct fake_image *image, rbd_lock_mode_t *mode, char **owners, size_t *room)
{
    if (image->locked_by_hand)
        return -EBUSY;
    if (!image->lock_owner)
        return -ENOENT;
    *mode = RBD_LOCK_MODE_EXCLUSIVE;
    if (*room == 0) {
        *room = 1;
        return -ERANGE;
    }
    *room = 1;
    owners[0] = fake_string_give(image->lock_owner);
    return 0;
}

int rbd_lock_get_owners(rbd_image_t image, rbd_lock_mode_t *mode, char **owners, size_t *room)
{
    int r = fake_enter(FN_rbd_lock_get_owners);
    const struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);

    if (r == 0 && (handle->read_only || !(handle->image->features & RBD_FEATURE_EXCLUSIVE_LOCK)))
        r = -EINVAL;
    if (r == 0 && fake_handle_is_fenced(handle))
        r = -ESHUTDOWN;
    if (r == 0)
        r = get_owner(handle->image, mode, owners, room);
    return fake_leave(r);
}

static int acquire(const struct fake_handle *handle)
{
    struct fake_image *image = handle->image;

    if (handle->read_only || !(image->features & RBD_FEATURE_EXCLUSIVE_LOCK))
        return -EINVAL;
    if (fake_handle_is_fenced(handle))
        return -ESHUTDOWN;
    if (image->locked_by_hand)
        fake_abort("with a lock made by hand this hangs");
    if (fake_lock_is_kept_from(handle))
        return -EROFS;
    fake_lock_take(handle);
    image->lock_is_kept = true;
    return 0;
}

int rbd_lock_acquire(rbd_image_t image, rbd_lock_mode_t mode)
{
    int r = fake_enter(FN_rbd_lock_acquire);
    const struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);

    if (r == 0)
        r = mode == RBD_LOCK_MODE_EXCLUSIVE ? acquire(handle) : -EOPNOTSUPP;
    return fake_leave(r);
}

/* Breaking the lock fences its owner. */
static int break_lock(const struct fake_handle *handle, const char *owner)
{
    struct fake_image *image = handle->image;

    if (handle->read_only)
        return -EROFS;
    if (!(image->features & RBD_FEATURE_EXCLUSIVE_LOCK))
        return -EINVAL;
    if (fake_handle_is_fenced(handle))
        return -ESHUTDOWN;
    if (!image->lock_owner)
        return -ENOENT;
    if (strcmp(image->lock_owner, owner) != 0)
        return -EBUSY;
    if (image->locker)
        image->locker->ioctx->client->fenced = true;
    set_owner(image, NULL, NULL);
    return 0;
}

int rbd_lock_break(rbd_image_t image, rbd_lock_mode_t mode, const char *owner)
{
    int r = fake_enter(FN_rbd_lock_break);
    const struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);

    if (r == 0)
        r = mode == RBD_LOCK_MODE_EXCLUSIVE ? break_lock(handle, owner) : -EOPNOTSUPP;
    return fake_leave(r);
}
