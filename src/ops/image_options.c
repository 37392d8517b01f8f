/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/image_options.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/structs.h"
#include "disk/check.h"

/* The size that the structure had in the first release. */
#define CREATE_OPTIONS_FIRST (offsetof(struct vdisk_create_options, passphrase_file) + sizeof(const char *))

#define FEATURES                                                                                                       \
    (VDISK_FEATURE_LAYERING | VDISK_FEATURE_STRIPING | VDISK_FEATURE_EXCLUSIVE_LOCK | VDISK_FEATURE_OBJECT_MAP |       \
     VDISK_FEATURE_FAST_DIFF | VDISK_FEATURE_DEEP_FLATTEN | VDISK_FEATURE_JOURNALING | VDISK_FEATURE_DATA_POOL |       \
     VDISK_FEATURES_NONE)

void vdisk_create_options_init(struct vdisk_create_options *options, size_t struct_size)
{
    vd_struct_init(options, struct_size);
}

static bool is_power_of_two(uint64_t number)
{
    return number > 0 && (number & (number - 1)) == 0;
}

static int check_object_size(uint64_t size, struct vdisk_error *err)
{
    if (size == 0)
        return 0;
    if (size < VDISK_OBJECT_SIZE_MIN || size > VDISK_OBJECT_SIZE_MAX || !is_power_of_two(size))
        return vd_error_set(err, -EINVAL, "The object size must be a power of two from %u to %u bytes.",
                            VDISK_OBJECT_SIZE_MIN, VDISK_OBJECT_SIZE_MAX);
    return 0;
}

static int check_stripes(const struct vdisk_create_options *create, struct vdisk_error *err)
{
    uint64_t unit = create->stripe_unit, count = create->stripe_count;
    uint64_t most = create->object_size ? create->object_size : VDISK_OBJECT_SIZE_MAX;

    if (unit == 0 && count == 0)
        return 0;
    if (unit == 0 || count == 0)
        return vd_error_set(err, -EINVAL, "Striping needs both a stripe unit and a stripe count.");
    if (unit < VDISK_STRIPE_UNIT_MIN || unit > most || !is_power_of_two(unit))
        return vd_error_set(err, -EINVAL,
                            "The stripe unit must be a power of two from %u to the object size, at most %" PRIu64
                            " bytes.",
                            VDISK_STRIPE_UNIT_MIN, most);
    if (count > VDISK_STRIPE_COUNT_MAX)
        return vd_error_set(err, -EINVAL, "The stripe count must be at most %u.", VDISK_STRIPE_COUNT_MAX);
    return 0;
}

/*
 * Returns what is wrong with the choice of features, or NULL. librbd accepts some of these, and silently leaves out the
 * features that are not possible.
 */
static const char *wrong_features(const struct vdisk_create_options *create)
{
    uint64_t features = create->features;

    if (features & VDISK_FEATURES_NONE && features != VDISK_FEATURES_NONE)
        return "VDISK_FEATURES_NONE goes with no other feature.";
    if (features & (VDISK_FEATURE_OBJECT_MAP | VDISK_FEATURE_JOURNALING) && !(features & VDISK_FEATURE_EXCLUSIVE_LOCK))
        return "The features object map and journaling need the feature exclusive lock.";
    if (features & VDISK_FEATURE_FAST_DIFF && !(features & VDISK_FEATURE_OBJECT_MAP))
        return "The feature fast diff needs the feature object map.";
    if (features & VDISK_FEATURE_STRIPING && !create->stripe_unit)
        return "The feature striping needs a stripe unit and a stripe count.";
    if (features & VDISK_FEATURE_DATA_POOL && !create->data_pool)
        return "The feature data pool needs the name of one.";
    return NULL;
}

static int check_features(const struct vdisk_create_options *create, struct vdisk_error *err)
{
    uint64_t unknown = create->features & ~FEATURES;
    const char *wrong = wrong_features(create);

    if (unknown)
        return vd_error_set(err, -EINVAL, "The features 0x%" PRIx64 " cannot be chosen for a new image.", unknown);
    return wrong ? vd_error_set(err, -EINVAL, "%s", wrong) : 0;
}

static int check_encryption(const struct vdisk_create_options *create, struct vdisk_error *err)
{
    if (create->reserved)
        return vd_error_set(err, -EINVAL, "vdisk_create_options.reserved is not zero.");
    if (create->encryption > VDISK_ENCRYPTION_LUKS2)
        return vd_error_set(err, -EINVAL,
                            "vdisk_create_options.encryption is not a format that an image can be created with.");
    return vd_check_passphrase(create->encryption, create->passphrase, create->passphrase_size, create->passphrase_file,
                               err);
}

static int check(const struct vdisk_create_options *create, struct vdisk_error *err)
{
    int r = check_object_size(create->object_size, err);

    if (r == 0)
        r = check_stripes(create, err);
    if (r == 0)
        r = check_features(create, err);
    if (r == 0)
        r = check_encryption(create, err);
    if (r == 0 && create->data_pool && !create->data_pool[0])
        r = vd_error_set(err, -EINVAL, "vdisk_create_options.data_pool is empty; leave it NULL for the default.");
    return r;
}

static int copy_string(char **copy, const char **string)
{
    if (!*string)
        return 0;
    *copy = strdup(*string);
    *string = *copy;
    return *copy ? 0 : -ENOMEM;
}

static int copy(struct vd_image_options *options)
{
    struct vdisk_create_options *create = &options->create;
    int r = copy_string(&options->data_pool, &create->data_pool);

    if (r == 0)
        r = copy_string(&options->passphrase_file, &create->passphrase_file);
    if (r == 0 && create->passphrase)
        r = vd_passphrase_copy(&options->passphrase, create->passphrase, create->passphrase_size);
    create->passphrase = options->passphrase.bytes;
    return r;
}

int vd_image_options_init(struct vd_image_options *options, const struct vdisk_create_options *from,
                          struct vdisk_error *err)
{
    struct vdisk_create_options *create = &options->create;
    int r = vd_struct_read(create, sizeof *create, from, CREATE_OPTIONS_FIRST, "vdisk_create_options", err);

    if (r == 0)
        r = check(create, err);
    if (r == 0 && copy(options) < 0)
        r = vd_error_set(err, -ENOMEM, "Out of memory for the options.");
    return r;
}

void vd_image_options_destroy(struct vd_image_options *options)
{
    free(options->data_pool);
    free(options->passphrase_file);
    vd_passphrase_destroy(&options->passphrase);
}

/*
 * Tells whether a clone must not have its parent's stripes. librbd gives a clone these stripes, whatever the size of
 * its objects. If the objects are smaller than the stripe unit, cloning fails; if they are larger, the image is striped
 * in form only. A caller who chooses only the size of the objects wants neither.
 */
static bool overrides_parent_stripes(const struct vdisk_create_options *create, bool for_clone)
{
    return for_clone && create->object_size && !create->stripe_unit;
}

int vd_image_options_make(rbd_image_options_t *made, const struct vd_image_options *options, bool for_clone)
{
    const struct vdisk_create_options *create = &options->create;
    uint64_t unit = create->stripe_unit, count = create->stripe_count;
    int r = 0;

    rbd_image_options_create(made);
    if (overrides_parent_stripes(create, for_clone)) {
        unit = create->object_size;
        count = 1;
    }
    if (create->object_size)
        r = rbd_image_options_set_uint64(*made, RBD_IMAGE_OPTION_ORDER, (uint64_t)__builtin_ctzll(create->object_size));
    if (r == 0 && unit)
        r = rbd_image_options_set_uint64(*made, RBD_IMAGE_OPTION_STRIPE_UNIT, unit);
    if (r == 0 && count)
        r = rbd_image_options_set_uint64(*made, RBD_IMAGE_OPTION_STRIPE_COUNT, count);
    if (r == 0 && create->features)
        r = rbd_image_options_set_uint64(*made, RBD_IMAGE_OPTION_FEATURES, create->features & ~VDISK_FEATURES_NONE);
    if (r == 0 && create->data_pool)
        r = rbd_image_options_set_string(*made, RBD_IMAGE_OPTION_DATA_POOL, create->data_pool);
    return r;
}
