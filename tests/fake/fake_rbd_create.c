/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creates and clones images. */
#include <errno.h>
#include <string.h>

#include "fake_internal.h"

#define OPTION_COUNT (RBD_IMAGE_OPTION_MIRROR_IMAGE_MODE + 1)
#define MIN_ORDER 12
#define MAX_ORDER 25
#define MIN_STRIPE 512

/* An object map can hold this many objects. */
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

static int choose_features(uint64_t *features, const struct image_options *options, uint64_t otherwise)
{
    uint64_t wanted = chosen(options, RBD_IMAGE_OPTION_FEATURES, otherwise);

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

static int choose_stripes(struct layout *layout, const struct image_options *options, const struct layout *otherwise)
{
    uint64_t object_size = UINT64_C(1) << layout->order;

    layout->stripe_unit = chosen(options, RBD_IMAGE_OPTION_STRIPE_UNIT, otherwise->stripe_unit);
    layout->stripe_count = chosen(options, RBD_IMAGE_OPTION_STRIPE_COUNT, otherwise->stripe_count);
    if ((layout->stripe_unit == 0) != (layout->stripe_count == 0))
        return -EINVAL;
    if (layout->stripe_unit == 0) {
        layout->stripe_unit = object_size;
        layout->stripe_count = 1;
    }
    if (layout->stripe_unit > object_size || object_size % layout->stripe_unit || layout->stripe_unit < MIN_STRIPE)
        return -EINVAL;
    /* librbd keeps the count in 32 bits. When these are zero, every client that opens the image divides by zero. */
    if (layout->stripe_count > UINT32_MAX)
        fake_abort("a stripe count of more than 32 bits makes an image that crashes its users");
    if (layout->stripe_unit != object_size || layout->stripe_count != 1)
        layout->features |= RBD_FEATURE_STRIPINGV2;
    return 0;
}

/* `otherwise` holds where the options say nothing. */
static int choose_layout(struct layout *layout, const struct image_options *options, const struct layout *otherwise)
{
    int r;

    layout->order = chosen(options, RBD_IMAGE_OPTION_ORDER, 0);
    if (layout->order == 0)
        layout->order = otherwise->order;
    if (layout->order < MIN_ORDER || layout->order > MAX_ORDER)
        return -EDOM;
    if (chosen(options, RBD_IMAGE_OPTION_FORMAT, 2) == 1)
        return -EINVAL;
    if (options->given[RBD_IMAGE_OPTION_DATA_POOL] && !options->data_pool)
        return -ENOENT;
    r = choose_features(&layout->features, options, otherwise->features);
    return r < 0 ? r : choose_stripes(layout, options, otherwise);
}

static void set_layout(struct fake_image *image, const struct layout *layout, const struct image_options *options)
{
    image->order = (int)layout->order;
    image->features = layout->features;
    image->stripe_unit = layout->stripe_unit;
    image->stripe_count = layout->stripe_count;
    image->data_pool = options->data_pool;
}

static struct layout configured(const struct fake_config *config)
{
    return (struct layout){.order = fake_config_number(config, "rbd_default_order"),
                           .features = fake_config_number(config, "rbd_default_features")};
}

static int create(const struct fake_ioctx *ioctx, const char *name, uint64_t size, const struct image_options *options)
{
    struct layout layout, otherwise = configured(&ioctx->client->config);
    struct fake_image *image;
    int r;

    if (!name[0])
        return -EINVAL;
    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    if (!fake_namespace_exists(ioctx->pool, ioctx->name_space))
        return -ENOENT;
    r = choose_layout(&layout, options, &otherwise);
    if (r < 0)
        return r;
    if (fake_image_find(ioctx->pool, ioctx->name_space, name))
        return -EEXIST;
    if (layout.features & RBD_FEATURE_OBJECT_MAP && size >> layout.order > MAX_MAPPED_OBJECTS)
        return -EINVAL;
    image = fake_image_add(ioctx->pool, ioctx->name_space, name, size);
    set_layout(image, &layout, options);
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

/* Cloning. */

static int clone_format(const struct image_options *options, const struct fake_config *config)
{
    char value[16];

    if (options->given[RBD_IMAGE_OPTION_CLONE_FORMAT])
        return (int)options->values[RBD_IMAGE_OPTION_CLONE_FORMAT];
    /* "auto" means the first format on a cluster that still admits old clients. */
    if (fake_config_get(config, "rbd_default_clone_format", value, sizeof value) < 0)
        return 1;
    return strcmp(value, "2") == 0 ? 2 : 1;
}

static int find_parent(struct fake_image **parent, struct fake_snapshot **snapshot, const struct fake_ioctx *ioctx,
                       const char *name, const char *snapshot_name)
{
    if (!snapshot_name[0])
        fake_abort("the name of the parent's snapshot is empty, and an assertion fails");
    if (ioctx->client->fenced)
        return -ESHUTDOWN;
    *parent = fake_image_find(ioctx->pool, ioctx->name_space, name);
    *snapshot = *parent ? fake_header_find(&(*parent)->header, snapshot_name) : NULL;
    return *snapshot ? 0 : -ENOENT;
}

static int check_parent(const struct fake_image *parent, const struct fake_snapshot *snapshot, int format)
{
    if (!(parent->features & RBD_FEATURE_LAYERING))
        return -ENOSYS;
    return format == 1 && !snapshot->is_protected ? -EINVAL : 0;
}

static int make_clone(struct fake_image *parent, const struct fake_snapshot *snapshot, int format,
                      const struct fake_ioctx *ioctx, const char *name, const struct image_options *options)
{
    struct layout layout,
        otherwise = {(uint64_t)parent->order, parent->features, parent->stripe_unit, parent->stripe_count};
    int r = name[0] ? 0 : -EINVAL;

    if (r == 0 && format == 1 && strcmp(parent->name_space, ioctx->name_space) != 0)
        r = -EXDEV;
    if (r == 0 && !fake_namespace_exists(ioctx->pool, ioctx->name_space))
        r = -ENOENT;
    if (r == 0 && fake_image_find(ioctx->pool, ioctx->name_space, name))
        r = -EEXIST;
    if (r == 0)
        r = choose_layout(&layout, options, &otherwise);
    if (r == 0 && !(layout.features & RBD_FEATURE_LAYERING))
        r = -ENOSYS;
    if (r == 0)
        set_layout(fake_image_clone(parent, snapshot, format, ioctx, name), &layout, options);
    return r;
}

int rbd_clone3(rados_ioctx_t parent_io, const char *parent_name, const char *snapshot_name, rados_ioctx_t io,
               const char *name, rbd_image_options_t opts)
{
    int r = fake_enter(FN_rbd_clone3);
    const struct fake_ioctx *ioctx = get_ioctx(io), *parent_ioctx = get_ioctx(parent_io);
    const struct image_options *options = fake_object_get(FAKE_IMAGE_OPTIONS, opts);
    int format = clone_format(options, &ioctx->client->config);
    struct fake_snapshot *snapshot;
    struct fake_image *parent;

    if (r == 0)
        r = find_parent(&parent, &snapshot, parent_ioctx, parent_name, snapshot_name);
    if (r == 0)
        r = check_parent(parent, snapshot, format);
    if (r == 0)
        r = make_clone(parent, snapshot, format, ioctx, name, options);
    return fake_leave(r);
}
