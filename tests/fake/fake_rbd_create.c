/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and removing images. */
#include <errno.h>

#include "fake_internal.h"

#define OPTION_COUNT (RBD_IMAGE_OPTION_MIRROR_IMAGE_MODE + 1)
#define MIN_ORDER 12
#define MAX_ORDER 25

/* What an object map can hold. */
#define MAX_MAPPED_OBJECTS UINT64_C(256000000)

struct image_options {
    struct fake_object object;
    bool given[OPTION_COUNT];
    uint64_t values[OPTION_COUNT];
    const struct fake_pool *data_pool;
};

struct layout {
    uint64_t order;
    uint64_t features;
    uint64_t stripe_unit;
    uint64_t stripe_count;
};

static struct fake_ioctx *get_ioctx(rados_ioctx_t ioctx)
{
    return fake_object_get(FAKE_IOCTX, ioctx);
}

/* Options. */

void rbd_image_options_create(rbd_image_options_t *options)
{
    fake_enter(FN_rbd_image_options_create);
    *options = fake_object_new(FAKE_IMAGE_OPTIONS, sizeof(struct image_options), "");
    fake_leave(0);
}

void rbd_image_options_destroy(rbd_image_options_t options)
{
    fake_enter(FN_rbd_image_options_destroy);
    fake_object_close(fake_object_get(FAKE_IMAGE_OPTIONS, options));
    fake_leave(0);
}

static bool is_text(int name)
{
    return name == RBD_IMAGE_OPTION_DATA_POOL || name == RBD_IMAGE_OPTION_JOURNAL_POOL;
}

int rbd_image_options_set_uint64(rbd_image_options_t opts, int name, uint64_t value)
{
    int r = fake_enter(FN_rbd_image_options_set_uint64);
    struct image_options *options = fake_object_get(FAKE_IMAGE_OPTIONS, opts);

    if (r == 0 && (name < 0 || name >= OPTION_COUNT || is_text(name)))
        r = -EINVAL;
    if (r == 0) {
        options->given[name] = true;
        options->values[name] = value;
    }
    return fake_leave(r);
}

int rbd_image_options_set_string(rbd_image_options_t opts, int name, const char *value)
{
    int r = fake_enter(FN_rbd_image_options_set_string);
    struct image_options *options = fake_object_get(FAKE_IMAGE_OPTIONS, opts);

    if (r == 0 && !is_text(name))
        r = -EINVAL;
    if (r == 0) {
        options->given[name] = true;
        if (name == RBD_IMAGE_OPTION_DATA_POOL)
            options->data_pool = fake_pool_find(value);
    }
    return fake_leave(r);
}

/* Creating. */

static uint64_t chosen(const struct image_options *options, int name, uint64_t otherwise)
{
    return options->given[name] ? options->values[name] : otherwise;
}

static int choose_features(uint64_t *features, const struct image_options *options, const struct fake_config *config)
{
    uint64_t wanted = chosen(options, RBD_IMAGE_OPTION_FEATURES, fake_config_number(config, "rbd_default_features"));

    wanted |= chosen(options, RBD_IMAGE_OPTION_FEATURES_SET, 0);
    wanted &= ~chosen(options, RBD_IMAGE_OPTION_FEATURES_CLEAR, 0);
    if (wanted & ~RBD_FEATURES_ALL)
        return -ENOSYS;
    if (wanted & (RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_JOURNALING) && !(wanted & RBD_FEATURE_EXCLUSIVE_LOCK))
        return -EINVAL;
    /* These follow from the rest, whatever the caller says. */
    wanted &= ~(uint64_t)RBD_FEATURES_IMPLICIT_ENABLE;
    if (wanted & RBD_FEATURE_OBJECT_MAP)
        wanted |= RBD_FEATURE_FAST_DIFF;
    if (options->given[RBD_IMAGE_OPTION_DATA_POOL])
        wanted |= RBD_FEATURE_DATA_POOL;
    *features = wanted;
    return 0;
}

static int choose_stripes(struct layout *layout, const struct image_options *options)
{
    uint64_t object_size = UINT64_C(1) << layout->order;

    layout->stripe_unit = chosen(options, RBD_IMAGE_OPTION_STRIPE_UNIT, 0);
    layout->stripe_count = chosen(options, RBD_IMAGE_OPTION_STRIPE_COUNT, 0);
    if ((layout->stripe_unit == 0) != (layout->stripe_count == 0))
        return -EINVAL;
    if (layout->stripe_unit == 0) {
        layout->stripe_unit = object_size;
        layout->stripe_count = 1;
    }
    if (layout->stripe_unit > object_size || object_size % layout->stripe_unit)
        return -EINVAL;
    if (layout->stripe_unit != object_size || layout->stripe_count != 1)
        layout->features |= RBD_FEATURE_STRIPINGV2;
    return 0;
}

static int choose_layout(struct layout *layout, const struct image_options *options, const struct fake_config *config)
{
    int r;

    layout->order = chosen(options, RBD_IMAGE_OPTION_ORDER, 0);
    if (layout->order == 0)
        layout->order = fake_config_number(config, "rbd_default_order");
    if (layout->order < MIN_ORDER || layout->order > MAX_ORDER)
        return -EDOM;
    if (chosen(options, RBD_IMAGE_OPTION_FORMAT, 2) == 1)
        return -EINVAL;
    if (options->given[RBD_IMAGE_OPTION_DATA_POOL] && !options->data_pool)
        return -ENOENT;
    r = choose_features(&layout->features, options, config);
    return r < 0 ? r : choose_stripes(layout, options);
}

static int create(const struct fake_ioctx *ioctx, const char *name, uint64_t size, const struct image_options *options)
{
    struct fake_image *image;
    struct layout layout;
    int r;

    if (!name[0])
        return -EINVAL;
    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!fake_namespace_exists(ioctx->pool, ioctx->name_space))
        return -ENOENT;
    r = choose_layout(&layout, options, &ioctx->client->config);
    if (r < 0)
        return r;
    if (fake_image_find(ioctx->pool, ioctx->name_space, name))
        return -EEXIST;
    if (layout.features & RBD_FEATURE_OBJECT_MAP && size >> layout.order > MAX_MAPPED_OBJECTS)
        return -EINVAL;
    image = fake_image_add(ioctx->pool, ioctx->name_space, name, size);
    image->order = (int)layout.order;
    image->features = layout.features;
    image->stripe_unit = layout.stripe_unit;
    image->stripe_count = layout.stripe_count;
    return 0;
}

int rbd_create4(rados_ioctx_t io, const char *name, uint64_t size, rbd_image_options_t opts)
{
    int r = fake_enter(FN_rbd_create4);
    const struct fake_ioctx *ioctx = get_ioctx(io);
    const struct image_options *options = fake_object_get(FAKE_IMAGE_OPTIONS, opts);

    if (r == 0)
        r = create(ioctx, name, size, options);
    return fake_leave(r);
}

/* Removing. */

static int remove_image(const struct fake_ioctx *ioctx, const char *name)
{
    struct fake_image *image = fake_image_find(ioctx->pool, ioctx->name_space, name);

    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!image)
        return -ENOENT;
    if (image->header.count > 0)
        return -ENOTEMPTY;
    if (image->writers > 0)
        return -EBUSY;
    fake_image_remove(image);
    return 0;
}

int rbd_remove(rados_ioctx_t io, const char *name)
{
    int r = fake_enter(FN_rbd_remove);
    const struct fake_ioctx *ioctx = get_ioctx(io);

    if (r == 0)
        r = remove_image(ioctx, name);
    return fake_leave(r);
}
