/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Implements encrypted images. Nothing is really encrypted, but the contents come after a header. */
#include <errno.h>
#include <rbd/librbd.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

/* The real librbd leaves this much room in an image with objects of 4 MiB, and one object where objects are larger. */
#define LUKS1_HEADER (UINT64_C(4) << 20)
#define LUKS2_HEADER (UINT64_C(16) << 20)

/* The options of both formats are alike. */
typedef rbd_encryption_luks1_format_options_t options_t;

static uint64_t header_size(const struct fake_image *image, rbd_encryption_format_t format)
{
    uint64_t size = format == RBD_ENCRYPTION_FORMAT_LUKS1 ? LUKS1_HEADER : LUKS2_HEADER;
    uint64_t object_size = UINT64_C(1) << image->order;

    return size > object_size ? size : object_size;
}

static int check_options(rbd_encryption_format_t format, size_t size)
{
    if (format != RBD_ENCRYPTION_FORMAT_LUKS1 && format != RBD_ENCRYPTION_FORMAT_LUKS2)
        return -ENOTSUP;
    return size == sizeof(options_t) ? 0 : -EINVAL;
}

static bool is_passphrase(const char *passphrase, const options_t *options)
{
    return strlen(passphrase) == options->passphrase_size &&
           memcmp(passphrase, options->passphrase, options->passphrase_size) == 0;
}

/* A clone has its parent's header, until it gets one of its own. */
static const struct fake_image *encrypted(const struct fake_image *image)
{
    while (image && !image->passphrase)
        image = image->parent;
    return image;
}

static int load(struct fake_handle *handle, rbd_encryption_format_t format, const options_t *options)
{
    const struct fake_image *image = encrypted(handle->image);

    if (handle->data_offset)
        return -EEXIST;
    if (!image || image->encryption != format)
        return -EINVAL;
    if (!is_passphrase(image->passphrase, options))
        return -EPERM;
    handle->data_offset = header_size(handle->image, format);
    return 0;
}

static int format_image(struct fake_handle *handle, rbd_encryption_format_t format, const options_t *options)
{
    struct fake_image *image = handle->image;
    int r = fake_handle_check_change(handle);

    if (r < 0)
        return r;
    if (image->parent || image->features & RBD_FEATURE_JOURNALING)
        return -ENOTSUP;
    if (image->header.size <= header_size(image, format))
        return -ENOSPC;
    free(image->passphrase);
    image->passphrase = fake_alloc(options->passphrase_size + 1);
    memcpy(image->passphrase, options->passphrase, options->passphrase_size);
    image->encryption = format;
    handle->data_offset = header_size(image, format);
    return 0;
}

int rbd_encryption_load(rbd_image_t image, rbd_encryption_format_t format, rbd_encryption_options_t options,
                        size_t options_size)
{
    int r = fake_enter(FN_rbd_encryption_load);
    struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);

    if (r == 0)
        r = check_options(format, options_size);
    if (r == 0 && fake_handle_is_fenced(handle))
        r = -ESHUTDOWN;
    if (r == 0)
        r = load(handle, format, options);
    return fake_leave(r);
}

int rbd_encryption_format(rbd_image_t image, rbd_encryption_format_t format, rbd_encryption_options_t options,
                          size_t options_size)
{
    int r = fake_enter(FN_rbd_encryption_format);
    struct fake_handle *handle = fake_object_get(FAKE_HANDLE, image);

    if (r == 0)
        r = check_options(format, options_size);
    if (r == 0)
        r = format_image(handle, format, options);
    return fake_leave(r);
}
