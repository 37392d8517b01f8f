/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "disk/watchers.h"

/* An exclusive lock has one owner, so this is enough. */
#define OWNERS_MAX 4
#define ADDRESS_MAX 256
/* How often another client may take the lock first before the lock counts as busy. */
#define ATTEMPTS 4

struct owner {
    /* "" if nobody has the lock. */
    char address[ADDRESS_MAX];
    bool is_alive;
};

static int read_address(char address[ADDRESS_MAX], rbd_image_t image)
{
    char *owners[OWNERS_MAX];
    size_t count = OWNERS_MAX;
    rbd_lock_mode_t mode;
    int r = rbd_lock_get_owners(image, &mode, owners, &count);

    address[0] = '\0';
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (count > 0)
        snprintf(address, ADDRESS_MAX, "%s", owners[0]);
    rbd_lock_get_owners_cleanup(owners, count);
    return 0;
}

static int check_alive(struct owner *owner, rbd_image_t image)
{
    struct vd_watchers watchers;
    int r = vd_watchers_read(&watchers, image);

    if (r < 0)
        return r;
    owner->is_alive = vd_watchers_include(&watchers, owner->address);
    vd_watchers_destroy(&watchers);
    return 0;
}

static int read_owner(struct owner *owner, rbd_image_t image)
{
    int r = read_address(owner->address, image);

    owner->is_alive = false;
    return r < 0 || !owner->address[0] ? r : check_alive(owner, image);
}

static int owner_error(const struct owner *owner, const char *name, struct vdisk_error *err)
{
    struct vd_quoted image, address;

    vd_quote(&image, name);
    vd_quote(&address, owner->address);
    if (owner->is_alive)
        return vd_error_set(err, -EBUSY, "The exclusive lock of image %s belongs to a client at %s.", image.text,
                            address.text);
    return vd_error_set(err, -EBUSY,
                        "The exclusive lock of image %s belongs to a client at %s, which does not watch the image any "
                        "more, so it seems dead; VDISK_OPEN_BREAK_LOCK breaks its lock.",
                        image.text, address.text);
}

static int lock_error(int code, const char *doing, const char *name, struct vdisk_error *err)
{
    struct vd_quoted image;

    vd_quote(&image, name);
    /* librbd answers -EBUSY when it is asked for the owner of such a lock. Taking the lock would wait for ever. */
    if (code == -EBUSY)
        return vd_error_set(err, code, "Image %s is locked by hand (rbd lock ls), so its lock cannot be taken.",
                            image.text);
    if (code == -EPERM || code == -EACCES)
        return vd_error_set(err, code,
                            "%s image %s failed: the Ceph user is not allowed to; the capability \"profile rbd\" "
                            "allows it.",
                            doing, image.text);
    return vd_error_set(err, code, "%s image %s failed: %s.", doing, image.text, strerror(-code));
}

/* Returns 0, 1 if another client changed the lock first, or a negative errno. */
static int break_lock(rbd_image_t image, const struct owner *owner, const char *name, struct vdisk_error *err)
{
    int r = rbd_lock_break(image, RBD_LOCK_MODE_EXCLUSIVE, owner->address);

    if (r == -EBUSY || r == -ENOENT)
        return 1;
    return r < 0 ? lock_error(r, "Breaking the exclusive lock of", name, err) : 0;
}

static bool may_be_broken(const struct owner *owner, const struct vd_lock_terms *terms)
{
    for (size_t i = 0; i < terms->dead_count; i++) {
        if (strcmp(owner->address, terms->dead[i]) == 0)
            return true;
    }
    return terms->may_break && !owner->is_alive;
}

/*
 * Tries once to take the lock. rbd_lock_acquire would ask an owner to release the lock, and would break a dead owner's
 * lock of its own accord (16.2.15). So it is called only when nobody has the lock. Returns 0, 1 if another client took
 * the lock first, or a negative errno.
 */
static int try_to_take(rbd_image_t image, const char *name, const struct vd_lock_terms *terms, struct vdisk_error *err)
{
    struct owner owner;
    int r = read_owner(&owner, image);

    if (r < 0)
        return lock_error(r, "Asking for the owner of the exclusive lock of", name, err);
    if (owner.address[0] && !may_be_broken(&owner, terms))
        return owner_error(&owner, name, err);
    if (owner.address[0]) {
        r = break_lock(image, &owner, name, err);
        if (r != 0)
            return r;
    }
    r = rbd_lock_acquire(image, RBD_LOCK_MODE_EXCLUSIVE);
    /* -EROFS: another client took it in between and does not release it. */
    if (r == -EROFS)
        return 1;
    return r < 0 ? lock_error(r, "Taking the exclusive lock of", name, err) : 0;
}

static int check_feature(rbd_image_t image, const char *name, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    uint64_t features;
    int r = rbd_get_features(image, &features);

    if (r < 0)
        return lock_error(r, "Asking for the features of", name, err);
    if (features & RBD_FEATURE_EXCLUSIVE_LOCK)
        return 0;
    return vd_error_set(err, -ENOTSUP,
                        "Image %s cannot be opened exclusively: it does not have the feature exclusive-lock, which "
                        "`rbd feature enable` gives it.",
                        vd_quote(&quoted, name));
}

int vd_lock_take(rbd_image_t image, const char *name, const struct vd_lock_terms *terms, struct vdisk_error *err)
{
    struct vd_quoted quoted;
    int r = check_feature(image, name, err);

    if (r < 0)
        return r;
    for (int i = 0; i < ATTEMPTS; i++) {
        r = try_to_take(image, name, terms, err);
        if (r <= 0)
            return r;
    }
    return vd_error_set(err, -EBUSY, "Other clients keep taking the exclusive lock of image %s: try again later.",
                        vd_quote(&quoted, name));
}
